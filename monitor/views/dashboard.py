from hashlib import blake2b

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.views.decorators.http import condition, require_safe

from monitor.dashboard import Dashboard
from monitor.middleware import Request, fragment
from monitor.overview import version
from monitor.periods import DEFAULT_RANGE, Period

DASHBOARD = "monitor/dashboard.html"


def requested_period(request: HttpRequest) -> Period:
    return Period.parse(request.GET.get("range", DEFAULT_RANGE), timezone.now())


def dashboard_tag(request: Request) -> str | None:
    """The ETag of a fragment, whose text follows from the data, the range and the minute alone.

    A whole page has none: it carries a CSRF token of its own each time.
    """
    name = fragment(request, DASHBOARD)
    try:
        period = requested_period(request)
    except ValueError:
        return None
    if name is None:
        return None
    state = f"{version()} {period.label} {period.start.isoformat()} {name}"
    return f'"{blake2b(state.encode(), digest_size=16).hexdigest()}"'


@require_safe
@condition(etag_func=dashboard_tag)
def dashboard(request: HttpRequest) -> HttpResponse:
    try:
        period = requested_period(request)
    except ValueError as error:
        return TemplateResponse(request, "400.html", {"reason": error}, status=400)
    return TemplateResponse(request, DASHBOARD, {"page": Dashboard(period)})
