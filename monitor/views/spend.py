from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import BadRequest, PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.utils import timezone
from django.views.decorators.http import condition, require_http_methods, require_safe

from costs.export import csv_response
from costs.models import SpendingLimit
from costs.spending import Spending
from monitor.etags import fragment_tag, this_minute
from monitor.middleware import Request, fragment
from monitor.spend.address import USER, SpendAddress, asks_for_cached
from monitor.spend.limits import LimitsForm, keep
from monitor.spend.page import SpendPage
from monitor.spend.users import may_edit

SPEND = "monitor/spend.html"
LIMIT = "monitor/spend_limit.html"
FILTERS = "spend-filters"  # the form


def spend_tag(request: Request) -> str | None:
    return fragment_tag(request, SPEND)


@require_safe
@condition(etag_func=spend_tag)
def spend(request: Request) -> HttpResponse:
    """What was spent in a range, as far as it is of a user, a model, a type or a source."""
    try:
        address = SpendAddress.parse(request.GET, timezone.now())
    except ValueError as error:
        return refused(request, error)
    page = SpendPage(address, request.user, this_minute(), is_whole(request))
    response = TemplateResponse(request, SPEND, {"page": page})
    if request.htmx.trigger == FILTERS:
        response["HX-Push-Url"] = str(address)
    return response


def is_whole(request: Request) -> bool:
    """Whether all parts of the page are due."""
    return fragment(request, SPEND) in (None, f"{SPEND}#spend")


@require_safe
def spend_csv(request: HttpRequest) -> HttpResponseBase:
    """The records that the page of the same address tells of, as far as they are kept; those
    with tokens of the cache alone where the address asks for them."""
    try:
        address = SpendAddress.parse(request.GET, timezone.now())
        is_cached = asks_for_cached(request.GET)
    except ValueError as error:
        return refused(request, error)
    records = Spending(address.period.start, address.period.end, address.only).records
    return csv_response(records.cached() if is_cached else records, "timestamp")


@require_http_methods(["GET", "HEAD", "POST"])
def spending_limit(request: Request) -> HttpResponse:
    """The limits of the user `of`, to be edited; what else the query says is the page behind."""
    try:
        address = SpendAddress.parse(request.GET, timezone.now())
        user_id = USER.parse(request.POST.get("of", request.GET.get("of", "")))
    except ValueError as error:
        return refused(request, error)
    if user_id is None:
        raise BadRequest("No user is named whose limits are meant.")
    limit = SpendingLimit.objects.filter(user_id=user_id).first()
    if not may_edit(request.user, limit):
        raise PermissionDenied
    given = request.POST if request.method == "POST" else None
    form = LimitsForm(given, instance=limit or SpendingLimit(user_id=user_id))
    state = {"form": form, "user_id": user_id, "back": address, "here": request.get_full_path()}
    if not form.is_valid():
        return TemplateResponse(request, LIMIT, state, status=422 if form.is_bound else 200)
    keep(form, user_id, request.user)
    return kept(request, state)


def kept(request: Request, state: dict[str, object]) -> HttpResponse:
    """The form anew in its dialog, and the page behind it told; or that page."""
    notice = f"The limits of {state['user_id']} are saved."
    if not request.htmx:
        messages.success(request, notice)
        return HttpResponseRedirect(f"{state['back']}#users")
    response = TemplateResponse(request, LIMIT, state | {"notice": notice})
    response["HX-Trigger"] = "stream:news"
    return response


def refused(request: HttpRequest, reason: ValueError) -> HttpResponse:
    return TemplateResponse(request, "400.html", {"reason": reason}, status=400)
