from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.views.decorators.http import require_safe

from monitor.gallery import shelves

GALLERY = "monitor/gallery.html"


@require_safe
def gallery(request: HttpRequest) -> HttpResponse:
    """All components of the pages with made-up contents, for whoever changes their looks."""
    return TemplateResponse(request, GALLERY, {"shelves": shelves()})
