from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.core.files.uploadedfile import UploadedFile
from django.db.models import QuerySet
from django.http import HttpRequest

from records.admin import QuickAdmin
from tasks.admin.columns import moment, reference
from tasks.admin.records import RecordAdmin
from tasks.files import MAX_NAME, MAX_SIZE, recognized
from tasks.models import Attachment
from tasks.pruning import remove


class AttachmentForm(forms.ModelForm):  # type: ignore[type-arg]  # not generic when it runs
    """Asks for a file; what it is, the file itself tells."""

    file = forms.FileField(max_length=MAX_NAME)

    class Meta:
        model = Attachment
        fields = ["task", "file"]

    def clean_file(self) -> UploadedFile[bytes]:
        file: UploadedFile[bytes] = self.cleaned_data["file"]
        name, content = file.name or "", file.read(MAX_SIZE + 1)
        try:
            self.instance.kind, self.instance.media_type = recognized(name, content)
        except ValueError as fault:
            raise forms.ValidationError(str(fault)) from fault
        self.instance.name, self.instance.size = name, len(content)
        return file


@admin.register(Attachment)
class AttachmentAdmin(RecordAdmin):
    """What people own: they add it and take it away, but what it holds stays as it is."""

    form = AttachmentForm
    raw_id_fields = ["task"]
    hidden = ("file",)
    list_display = [
        "name",
        reference(Attachment._meta.get_field("task")),
        "kind",
        "media_type",
        "size",
        moment("created_at"),
    ]
    list_filter = ["kind"]
    search_fields = ["task_id"]
    search_help_text = "A whole task id, letter by letter."
    has_add_permission = QuickAdmin.has_add_permission
    has_delete_permission = QuickAdmin.has_delete_permission

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        return super().get_fields(request, obj) if obj else AttachmentForm.Meta.fields

    def delete_model(self, request: HttpRequest, obj: Attachment) -> None:
        remove(Attachment.objects.filter(pk=obj.pk))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Attachment]) -> None:
        remove(queryset)
