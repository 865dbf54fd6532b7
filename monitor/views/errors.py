from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.views.decorators.http import condition, require_safe

from monitor.errors import Errors, ErrorsAddress
from monitor.etags import fragment_tag
from monitor.middleware import Request

ERRORS = "monitor/errors.html"


def errors_tag(request: Request) -> str | None:
    return fragment_tag(request, ERRORS)


@require_safe
@condition(etag_func=errors_tag)
def errors(request: HttpRequest) -> HttpResponse:
    """What failed in a range, in groups; `group=tasks:…` or `calls:…` lists one of them."""
    try:
        address = ErrorsAddress.parse(request.path, request.GET, timezone.now())
    except ValueError as error:
        return TemplateResponse(request, "400.html", {"reason": error}, status=400)
    return TemplateResponse(request, ERRORS, {"page": Errors(address)})
