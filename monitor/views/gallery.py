from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.views.decorators.http import require_safe

GALLERY = "monitor/gallery.html"


@require_safe
def gallery(request: HttpRequest) -> HttpResponse:
    return TemplateResponse(request, GALLERY)
