from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.views.decorators.http import require_safe

GALLERY = "monitor/gallery.html"


@require_safe
def gallery(request: HttpRequest) -> HttpResponse:
    """All components of the pages with made-up contents, for whoever changes their looks."""
    from monitor.gallery import shelves  # no other page waits for what it is made of

    return TemplateResponse(request, GALLERY, {"shelves": shelves()})
