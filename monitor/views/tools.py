from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.views.decorators.http import require_safe

TOOLS = "monitor/tools.html"


@require_safe
def tools(request: HttpRequest) -> HttpResponse:
    return TemplateResponse(request, TOOLS)
