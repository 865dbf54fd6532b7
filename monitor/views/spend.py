from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.views.decorators.http import require_safe

SPEND = "monitor/spend.html"


@require_safe
def spend(request: HttpRequest) -> HttpResponse:
    return TemplateResponse(request, SPEND)
