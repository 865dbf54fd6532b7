"""What htmx needs of every answer: the fragment it asked for, and truth towards caches."""

from django.conf import settings
from django.contrib.auth.models import User
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase, HttpResponseRedirectBase
from django.shortcuts import resolve_url
from django.template import TemplateDoesNotExist
from django.template.loader import get_template
from django.template.response import SimpleTemplateResponse
from django.utils.cache import patch_vary_headers
from django.utils.deprecation import MiddlewareMixin
from django_htmx.http import HttpResponseClientRedirect
from django_htmx.middleware import HtmxDetails

from monitor.models import ApiKey


class Request(HttpRequest):
    """A request as the middlewares hand it to a view."""

    htmx: HtmxDetails
    user: User
    api_key: ApiKey | None  # of a request to the API


def fragment(request: Request, template: str) -> str | None:
    """The named part of `template` that htmx will swap; None when the whole page is due."""
    htmx = request.htmx
    if not htmx or htmx.boosted or htmx.history_restore_request or not htmx.target:
        return None
    name = f"{template}#{htmx.target}"
    try:
        get_template(name)
    except TemplateDoesNotExist:
        return None
    return name


class HtmxAnswers(MiddlewareMixin):
    """One URL, one view, one template: HX-Target chooses the page or a named part of it."""

    def process_template_response(
        self, request: Request, response: SimpleTemplateResponse
    ) -> SimpleTemplateResponse:
        if isinstance(response.template_name, str):
            response.template_name = fragment(request, response.template_name) or (
                response.template_name
            )
        return response

    def process_response(self, request: Request, response: HttpResponseBase) -> HttpResponseBase:
        if request.htmx and isinstance(response, HttpResponseRedirectBase):
            response = _client_redirect(request, response)
        if response.get("Content-Type", "text/html").startswith("text/html"):
            patch_vary_headers(response, ["HX-Request", "HX-Target"])
            response.headers.setdefault("Cache-Control", "private, no-cache")
        return response


def _client_redirect(request: Request, response: HttpResponseRedirectBase) -> HttpResponse:
    """The same redirect for the whole page: htmx would put the other page into its target.

    After an expired sign-in the way back leads to the page, not to the fragment.
    """
    url = response.url
    if url.startswith(f"{resolve_url(settings.LOGIN_URL)}?"):
        url = redirect_to_login(request.htmx.current_url_abs_path or "/").url
    answer = HttpResponseClientRedirect(url)
    answer.cookies = response.cookies
    return answer
