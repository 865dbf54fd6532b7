from hashlib import blake2b

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.views.decorators.http import condition, require_safe

from monitor.dashboard import Dashboard
from monitor.middleware import Request, fragment
from monitor.selection import Selection
from monitor.version import version

DASHBOARD = "monitor/dashboard.html"


def requested(request: HttpRequest) -> Selection:
    return Selection.parse(request.GET, timezone.now())


def dashboard_tag(request: Request) -> str | None:
    """The ETag of a fragment, whose text follows from the data, the selection and the minute alone.

    A whole page has none: it carries a CSRF token of its own each time.
    """
    name = fragment(request, DASHBOARD)
    if name is None:
        return None
    try:
        state = f"{version()} {name} {requested(request)}"
    except ValueError:
        return None
    return f'"{blake2b(state.encode(), digest_size=16).hexdigest()}"'


@require_safe
@condition(etag_func=dashboard_tag)
def dashboard(request: HttpRequest) -> HttpResponse:
    try:
        selection = requested(request)
    except ValueError as error:
        return TemplateResponse(request, "400.html", {"reason": error}, status=400)
    return TemplateResponse(request, DASHBOARD, {"page": Dashboard(selection)})
