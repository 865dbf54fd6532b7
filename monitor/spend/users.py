"""The panel of users: what each spent in the range, beside the limits of today and this month."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlencode

from django.contrib.auth.models import AnonymousUser, User
from django.urls import reverse
from django.utils import timezone

from costs.instants import local_day, local_month
from costs.limits import Meter, limits_by_user, meters_of
from costs.models import SpendingLimit
from costs.totals import Totals
from monitor.ranking import TOP, Row
from monitor.spend.address import USER
from monitor.spend.panels import Line, Links, line, lines

WORDS = {"Daily": "Today", "Monthly": "This month"}
SPANS = {"Daily": local_day, "Monthly": local_month}


@dataclass(frozen=True)
class Gauge:
    """A meter as a bar, of which `width` hundredths are filled, with the words beside it; `url`
    is the page of what counts against it."""

    meter: Meter
    url: str

    @property
    def words(self) -> str:
        return WORDS[self.meter.name]

    @property
    def state(self) -> str:
        if self.meter.reached:
            return "reached"
        return "near" if self.meter.near else "calm"

    @property
    def width(self) -> int:
        return min(int(self.meter.percentage or 0), 100)

    @property
    def share(self) -> float | None:
        percentage = self.meter.percentage
        return None if percentage is None else percentage / 100


@dataclass(frozen=True)
class UserLine:
    """`display_name` is blank where none was given, `edit_url` for whom may not edit."""

    line: Line
    display_name: str = ""
    gauges: Sequence[Gauge] = ()
    edit_url: str = ""


def user_lines(
    sums: dict[str, Totals], links: Links, viewer: User | AnonymousUser, now: datetime
) -> list[UserLine]:
    """The dearest users of the range, then those with a limit who spent nothing in it."""
    ranks = lines(sums, USER, links)
    limits = limits_by_user()
    quiet = [] if links.address.is_filtered else [user for user in limits if user not in sums]
    room = max(TOP - len(ranks), 0)
    idle = [line(Row(user, Totals(), 0.0), USER, links) for user in sorted(quiet)[:room]]
    meters = meters_of([each.row.name for each in ranks + idle], limits, now)
    return [
        UserLine(each) if not each.url else _line(each, meters, limits, links, viewer)
        for each in ranks[:TOP] + idle + ranks[TOP:]
    ]


def _line(
    shown: Line,
    meters: dict[str, tuple[Meter, Meter]],
    limits: dict[str, SpendingLimit],
    links: Links,
    viewer: User | AnonymousUser,
) -> UserLine:
    user = shown.row.name
    limit = limits.get(user)
    return UserLine(
        line=shown,
        display_name=limit.display_name if limit else "",
        gauges=[_gauge(meter, user, links) for meter in meters[user]],
        edit_url=edit_url(user, links) if may_edit(viewer, limit) else "",
    )


def _gauge(meter: Meter, user: str, links: Links) -> Gauge:
    last = meter.resets_at - timedelta(microseconds=1)
    span = SPANS[meter.name](last, timezone.get_default_timezone())
    page = links.address.unfiltered.with_only(USER, user)
    return Gauge(meter, str(page.between(*span)))


def edit_url(user: str, links: Links) -> str:
    return f"{reverse('spending_limit')}{links.address.query}&{urlencode({'of': user})}"


def may_edit(viewer: User | AnonymousUser, limit: SpendingLimit | None) -> bool:
    """Whether the person may change a limit, or make the first one of its user."""
    return viewer.has_perm(f"costs.{'change' if limit else 'add'}_spendinglimit")
