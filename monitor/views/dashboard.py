from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.views.decorators.http import condition, require_safe

from monitor.dashboard import Dashboard
from monitor.etags import fragment_tag
from monitor.middleware import Request
from monitor.selection import Selection

DASHBOARD = "monitor/dashboard.html"


def dashboard_tag(request: Request) -> str | None:
    return fragment_tag(request, DASHBOARD)


@require_safe
@condition(etag_func=dashboard_tag)
def dashboard(request: HttpRequest) -> HttpResponse:
    try:
        selection = Selection.parse(request.GET, timezone.now())
    except ValueError as error:
        return TemplateResponse(request, "400.html", {"reason": error}, status=400)
    return TemplateResponse(request, DASHBOARD, {"page": Dashboard(selection)})
