from __future__ import annotations

from django.http import HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.views.decorators.http import condition, require_safe

from monitor.etags import fragment_tag
from monitor.middleware import Request
from monitor.tools.address import ToolsAddress
from monitor.tools.page import ToolsPage

TOOLS = "monitor/tools.html"


def tools_tag(request: Request) -> str | None:
    return fragment_tag(request, TOOLS)


@require_safe
@condition(etag_func=tools_tag)
def tools(request: Request) -> HttpResponse:
    """Every tool called in a range, in the order of `sort=`; `tool=` looks at one of them."""
    now = timezone.now()
    try:
        address = ToolsAddress.parse(request.path, request.GET, now)
    except ValueError as error:
        return TemplateResponse(request, "400.html", {"reason": error}, status=400)
    return TemplateResponse(request, TOOLS, {"page": ToolsPage(address, request.user, now)})
