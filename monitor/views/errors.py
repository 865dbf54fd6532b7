from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from monitor.errors import Errors, ErrorsAddress


@require_safe
def errors(request: HttpRequest) -> HttpResponse:
    """What failed in a range, in groups; `group=tasks:…` or `calls:…` lists one of them."""
    try:
        address = ErrorsAddress.parse(request.path, request.GET, timezone.now())
    except ValueError as error:
        return TemplateResponse(request, "400.html", {"reason": error}, status=400)
    return TemplateResponse(request, "monitor/errors.html", {"page": Errors(address)})
