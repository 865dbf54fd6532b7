"""Keys of the API: made, renamed and revoked here. A secret is shown on one page, once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, TypeVar

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.http import urlencode

from monitor.keys import ahead, named
from monitor.models import SCOPES, ApiKey
from records.admin import QuickAdmin
from tasks.admin.columns import moment

T = TypeVar("T")


class Picker(forms.DateTimeInput):
    """The browser's own, to the second."""

    input_type = "datetime-local"

    def __init__(self) -> None:
        super().__init__(attrs={"step": 1}, format="%Y-%m-%dT%H:%M:%S")


def checked(check: Callable[..., T], *values: Any) -> T:
    """What the check makes of it; its fault is shown beside the field."""
    try:
        return check(*values)
    except ValueError as fault:
        raise forms.ValidationError(str(fault)) from fault


class KeyForm(forms.ModelForm):  # type: ignore[type-arg]  # not generic when it runs
    expires_at = forms.DateTimeField(
        required=False,
        widget=Picker,
        help_text=f"In the zone {settings.TIME_ZONE}. Left blank, the key has no end.",
    )

    class Meta:
        model = ApiKey
        fields = ["name", "expires_at"]

    def clean_name(self) -> str:
        return checked(named, self.cleaned_data["name"])

    def clean_expires_at(self) -> Any:
        """An end that is past already stays as it is, or is put off."""
        end = self.cleaned_data["expires_at"]
        if end and "expires_at" in self.changed_data:
            return checked(ahead, end, timezone.now())
        return end


class NewKeyForm(KeyForm):
    scopes = forms.MultipleChoiceField(
        choices=[(scope, scope) for scope in SCOPES],
        widget=forms.CheckboxSelectMultiple,
        help_text="What it may do. It cannot be changed later.",
    )

    def clean_scopes(self) -> list[str]:
        scopes: list[str] = self.cleaned_data["scopes"]
        self.instance.grant(scopes)
        return scopes


@admin.display
def scopes(key: ApiKey) -> str:
    return ", ".join(key.scopes)


@admin.display
def state(key: ApiKey) -> str:
    return key.state(timezone.now())


@admin.display(description="")
def revoke_link(key: ApiKey) -> str:
    if key.revoked_at:
        return ""
    return format_html('<a href="{}">Revoke</a>', revoke_address([key.pk]))


def revoke_address(ids: list[int]) -> str:
    return f"{reverse('admin:monitor_apikey_revoke')}?{urlencode({'id': ids}, doseq=True)}"


@admin.register(ApiKey)
class ApiKeyAdmin(QuickAdmin):
    form = KeyForm
    ordering = ["-pk"]
    change_form_template = "admin/monitor/apikey/change_form.html"
    list_display = [
        "name",
        "prefix",
        scopes,
        moment("created_at"),
        moment("expires_at"),
        moment("last_used_at"),
        state,
    ]
    readonly_fields: ClassVar[list[Any]] = [
        "prefix",
        scopes,
        *map(moment, ["created_at", "last_used_at"]),
        state,
    ]
    search_fields = ["name", "prefix"]
    search_help_text = "A part of a name, or the first characters of a secret."
    actions = ["revoke_chosen"]

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.revoke)
        return [path("revoke/", view, name="monitor_apikey_revoke"), *super().get_urls()]

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        own = [revoke_link] if self.has_change_permission(request) else []
        return [*self.list_display, *own]

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        return (
            ["name", "expires_at", *self.readonly_fields]
            if obj
            else ["name", "scopes", "expires_at"]
        )

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        return self.readonly_fields if obj else []

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> Any:
        kwargs = {"form": KeyForm if obj else NewKeyForm} | kwargs
        return super().get_form(request, obj, change, **kwargs)

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """With one way to save: the page that follows shows the secret, and nothing may hide it."""
        one_way = {"show_save_and_add_another": False, "show_save_and_continue": False}
        return super().render_change_form(request, context | one_way, *args, **kwargs)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A key is revoked first, so that none in use goes by mistake."""
        revoked = obj is not None and obj.revoked_at is not None
        return revoked and super().has_delete_permission(request, obj)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        if change:  # no more than was asked for: it may be revoked at this very moment
            obj.save(update_fields=form.changed_data)
            return
        obj.created_at = timezone.now()
        obj.secret = obj.give_secret()
        obj.save()

    def response_add(
        self, request: HttpRequest, obj: Any, post_url_continue: str | None = None
    ) -> HttpResponse:
        """The one page that shows the secret; it is drawn when the key is committed."""
        page = "admin/monitor/apikey/secret.html"
        return self.page(request, page, title="Key created", key=obj, secret=obj.secret)

    def page(self, request: HttpRequest, template: str, **context: Any) -> TemplateResponse:
        context |= self.admin_site.each_context(request) | {"opts": self.opts}
        return TemplateResponse(request, template, context)

    @admin.action(description="Revoke selected keys", permissions=["change"])
    def revoke_chosen(self, request: HttpRequest, keys: QuerySet[ApiKey]) -> HttpResponse:
        return redirect(revoke_address(list(keys.values_list("pk", flat=True))))

    def revoke(self, request: HttpRequest) -> HttpResponse:
        """Asks first; ?id= names each key."""
        if not self.has_change_permission(request):
            raise PermissionDenied
        ids = [text for text in request.GET.getlist("id") if text.isdecimal() and len(text) < 19]
        keys = list(ApiKey.objects.filter(pk__in=ids, revoked_at=None))
        if keys and request.method != "POST":
            page = "admin/monitor/apikey/revoke.html"
            return self.page(request, page, title="Revoke keys", keys=keys)
        with transaction.atomic():
            for key in keys:
                key.revoke(timezone.now())
                self.log_change(request, key, "Revoked.")
        if keys:
            self.message_user(request, f"Revoked: {', '.join(map(str, keys))}.", messages.SUCCESS)
        else:
            self.message_user(request, "No key was left to revoke.", messages.WARNING)
        return redirect("admin:monitor_apikey_changelist")
