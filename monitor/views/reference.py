from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.views.decorators.http import require_safe

from monitor.api.routes import described
from monitor.reference import reference as read


@require_safe
def reference(request: HttpRequest) -> HttpResponse:
    """What the API offers, for people; programs read /api/openapi.json."""
    site = f"{request.scheme}://{request.get_host()}"
    return TemplateResponse(
        request, "monitor/reference.html", {"reference": read(described(), site)}
    )
