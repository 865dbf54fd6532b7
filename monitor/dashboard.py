"""What the dashboard shows. Each part is asked for when a template first names it, so that a
fragment pays for its own queries alone."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from django.conf import settings
from django.db.models import Sum

from costs import windows
from costs.models import CostRecord
from monitor.activity import Work
from monitor.overview import Overview, overview
from monitor.periods import Period, RangeLink, range_links
from monitor.ranking import Row, ranked
from monitor.selection import Selection
from sessions import statistics
from sessions.statistics import Statistics, Tool


def length(milliseconds: float | None) -> timedelta | None:
    return None if milliseconds is None else timedelta(milliseconds=milliseconds)


@dataclass(frozen=True)
class Dashboard:
    selection: Selection

    @property
    def period(self) -> Period:
        return self.selection.period

    @property
    def window(self) -> tuple[datetime, datetime]:
        return self.period.start, self.period.end

    @property
    def here(self) -> str:
        """The query string of the page that is shown."""
        return self.selection.query(page=str(self.work.number) if self.work.number > 1 else "")

    @property
    def ranges(self) -> list[RangeLink]:
        query = self.selection.query
        return range_links(self.period.label, lambda label: query(range=label))

    @cached_property
    def work(self) -> Work:
        return Work(self.selection)

    @cached_property
    def tools(self) -> Statistics:
        return statistics.tools(*self.window)

    @property
    def tool_rows(self) -> list[tuple[Tool, timedelta | None, timedelta | None]]:
        """Each tool with the time that half of its calls, and 95 % of them, were done in."""
        return [(tool, length(tool.p50), length(tool.p95)) for tool in self.tools.tools]

    @property
    def is_new(self) -> bool:
        """Whether the list has nothing because there was never anything to list."""
        return not self.selection.text and not self.work.total and self.is_empty

    @cached_property
    def overview(self) -> Overview:
        return overview(self.period)

    @cached_property
    def is_empty(self) -> bool:
        """Nothing was ever recorded: looked up only when the period itself has nothing."""
        ever = Period.parse("all", self.selection.minute)
        return self.overview.is_blank and overview(ever).is_blank

    @cached_property
    def by_model(self) -> list[Row]:
        return ranked(windows.by_model(*self.window))

    @cached_property
    def by_user(self) -> list[Row]:
        return ranked(windows.by_user(*self.window))

    @property
    def cost_nano(self) -> int:
        return sum(row.totals.cost_nano for row in self.by_model)

    @cached_property
    def trend(self) -> float | None:
        """The change of cost against the period before, as a share of that; None without one."""
        previous = self.period.previous()
        before = windows.spend(previous.start, previous.end).cost_nano if previous else 0
        return (self.cost_nano - before) / before if before else None

    @cached_property
    def widened(self) -> tuple[datetime, datetime] | None:
        """The window that is truly shown, where pruning left only whole hours of it."""
        shown = windows.bounds(*self.window)
        return None if shown == self.window else shown

    @cached_property
    def unpriced(self) -> list[tuple[str, int]]:
        """The models without a price and the requests to each, most first."""
        records = CostRecord.objects.between(*self.window).unpriced()
        counts = records.values_list("model").annotate(count=Sum("requests"))
        return list(counts.order_by("-count", "model"))

    @property
    def usage_json(self) -> str:
        return str(settings.USAGE_JSON)
