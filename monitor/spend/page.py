"""What the spend page shows. Each part is asked for when a template first names it, so that a
fragment pays for its own queries alone."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property

from django.conf import settings
from django.contrib.auth.models import AnonymousUser, User
from django.utils import timezone

from costs import windows
from costs.instants import local_month
from costs.models import LedgerState
from costs.projection import Projection, projection
from costs.savings import Savings, saved
from costs.spending import Spending
from costs.totals import Spend, Totals
from monitor.periods import Period, RangeLink, range_links
from monitor.spend.address import MODEL, TYPE, SpendAddress
from monitor.spend.chart import Chart, Scale, chart, scale_of
from monitor.spend.choices import Choice, choices
from monitor.spend.panels import Line, Links, SessionLine, lines, session_lines
from monitor.spend.users import UserLine, user_lines

SESSIONS = 20
INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True)
class SpendPage:
    address: SpendAddress
    viewer: User | AnonymousUser
    minute: datetime  # the one that is shown
    is_whole: bool = False  # not a fragment

    @property
    def period(self) -> Period:
        return self.address.period

    @property
    def now(self) -> datetime:
        """The end of the minute, which holds all that it has brought so far."""
        return self.minute + timedelta(minutes=1) - INSTANT

    @property
    def ranges(self) -> list[RangeLink]:
        return range_links(self.period.label, self.address.over)

    @property
    def month_url(self) -> str:
        """The same page over the month so far."""
        start, _ = local_month(self.now, timezone.get_default_timezone())
        return str(self.address.between(start, self.minute + timedelta(minutes=1)))

    @property
    def all_url(self) -> str:
        return self.address.over("all")

    @cached_property
    def spending(self) -> Spending:
        if not (self.is_whole and self.address.is_filtered):
            return self._unread
        return replace(self._unread, edges=self._scale.edges)

    @cached_property
    def _unread(self) -> Spending:
        return Spending(self.period.start, self.period.end, self.address.only)

    @cached_property
    def _scale(self) -> Scale:
        """Of the chart: told before the figures, so that they can come from one reading."""
        return scale_of(self.period, self._unread)

    @property
    def totals(self) -> Totals:
        return self.spending.totals

    @property
    def is_empty(self) -> bool:
        return self.totals == Totals()

    @cached_property
    def is_new(self) -> bool:
        """Nothing was ever recorded: looked up only when the range itself has nothing."""
        return self.is_empty and windows.spend(windows.EPOCH, windows.FOREVER) == Spend()

    @cached_property
    def previous(self) -> SpendAddress | None:
        """The same page over the period of the same length before, where there is one."""
        before = self.period.previous()
        return None if before is None else self.address.between(before.start, before.end)

    @cached_property
    def trend(self) -> float | None:
        """The change of cost against the period before, as a share of that; None without one."""
        if self.previous is None:
            return None
        before = Spending(self.previous.period.start, self.previous.period.end, self.address.only)
        if before.bounds[0] > before.start or not before.totals.cost_nano:
            return None
        return (self.totals.cost_nano - before.totals.cost_nano) / before.totals.cost_nano

    @cached_property
    def savings(self) -> Savings:
        return saved(self.spending)

    @property
    def saving_records(self) -> str:
        """Where the records that the savings are reckoned from are looked at, if there are any."""
        return self.links.cached if self.totals.is_cached else ""

    @property
    def saved(self) -> int:
        """What the cache saved or lost, without its sign."""
        return abs(self.savings.saved_nano)

    @cached_property
    def projection(self) -> Projection:
        return projection(self.now, self.address.only)

    @cached_property
    def pruned_before(self) -> datetime | None:
        """Before which raw records of the range are gone; None where all are kept."""
        marks = LedgerState.objects.filter(pruned_before__gt=self.period.start)
        return marks.values_list("pruned_before", flat=True).first()

    @property
    def is_cut(self) -> bool:
        """Whether nothing is told of what was pruned, since only raw records know the filter."""
        return self.spending.is_raw and self.pruned_before is not None

    @cached_property
    def widened(self) -> datetime | None:
        """Where the figures begin, if earlier than the range, of which only hours are kept."""
        start, _ = self.spending.bounds
        return start if start < self.period.start else None

    @cached_property
    def chart(self) -> Chart:
        return chart(self.address, self.spending, self._scale)

    @property
    def choices(self) -> list[Choice]:
        return choices(self.address, self.spending)

    @cached_property
    def links(self) -> Links:
        return Links.of(self.viewer, self.address)

    @property
    def records(self) -> str:
        """Where the records behind the whole page are looked at."""
        return self.links.records(self.address)

    @property
    def by_model(self) -> list[Line]:
        return lines(self.spending.by_model, MODEL, self.links)

    @property
    def by_type(self) -> list[Line]:
        return lines(self.spending.by_type, TYPE, self.links)

    @property
    def by_user(self) -> list[UserLine]:
        return user_lines(self.spending.by_user, self.links, self.viewer, self.now)

    @cached_property
    def by_session(self) -> list[SessionLine]:
        return session_lines(self.spending.by_session(SESSIONS), self.totals.cost_nano)

    @property
    def elsewhere(self) -> int:
        """Nano-dollars of requests that belong to no session shown."""
        shown = sum(each.row.totals.cost_nano for each in self.by_session)
        return self.totals.cost_nano - shown

    @property
    def usage_json(self) -> str:
        return str(settings.USAGE_JSON)
