"""What the tools page shows. Each part is asked for when a template first names it, so that a
fragment pays for its own queries alone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any
from urllib.parse import urlencode

from django.contrib.auth.models import User
from django.db.models import Min
from django.urls import reverse

from monitor.errors import CALLS, ErrorList, ErrorsAddress
from monitor.periods import Period, RangeLink, range_links
from monitor.tools.address import DEFAULT_SORT, SORTS, ToolsAddress
from monitor.tools.failed_calls import FailedCall, newest_failed
from monitor.tools.figures import ORDERS, Row, ToolName, worst
from sessions import statistics
from sessions.file_statistics import TouchedFiles, most_touched
from sessions.models import ToolCall, ToolDay, ToolHour, ToolMonth
from sessions.models.rollup import ToolSums
from sessions.rollups import Sums
from sessions.statistics import Statistics, Tool

WORST_ERRORS = 5
VIEW_CALLS = "agent_sessions.view_toolcall"
POINTS: dict[str, type[ToolSums]] = {"24h": ToolHour, "all": ToolMonth}


@dataclass(frozen=True)
class Head:
    """The head of a column; `order` is ascending or descending where rows are sorted by it."""

    label: str
    url: str
    order: str = ""


@dataclass(frozen=True)
class ToolsPage:
    """The page in the state it has at `now`, as `reader` may see it."""

    address: ToolsAddress
    reader: User
    now: datetime

    @property
    def period(self) -> Period:
        return self.address.period

    @property
    def window(self) -> tuple[datetime, datetime]:
        return self.period.start, self.period.end

    @property
    def words(self) -> str:
        return "so far" if self.period.label == "all" else f"in the last {self.period.words}"

    @property
    def nothing(self) -> str:
        """What is said where there is no call."""
        what = f"{self.name.full} was not" if self.address.tool else "No tool was"
        return f"{what} called {self.words}."

    @property
    def further_url(self) -> str:
        return self.address.ranged("all")

    @property
    def ranges(self) -> list[RangeLink]:
        return range_links(self.period.label, self.address.ranged)

    @property
    def heads(self) -> dict[str, Head]:
        """The heads of the columns by which rows can be sorted."""
        return {name: self._head(name, words) for name, words in SORTS.items()}

    def _head(self, name: str, words: str) -> Head:
        order = "ascending" if name == "name" else "descending"
        is_sorted_by = name == self.address.sort
        return Head(words, self.address.to(sort=name), order if is_sorted_by else "")

    @property
    def name(self) -> ToolName:
        return ToolName(self.address.tool)

    @property
    def back_url(self) -> str:
        return self.address.to(tool="")

    @property
    def table(self) -> type[ToolSums]:
        """The rollup whose units are the points of a trend."""
        return POINTS.get(self.period.label, ToolDay)

    @cached_property
    def statistics(self) -> Statistics:
        return statistics.tools(*self.window, by=self.table, name=self.address.tool)

    @cached_property
    def before(self) -> dict[str, Sums] | None:
        previous = self.period.previous()
        return statistics.sums(previous.start, previous.end) if previous else None

    @cached_property
    def starts(self) -> list[datetime]:
        """The hours, days or months of the range; of "all", those from the first to the last."""
        if self.period.label != "all":
            return self.table.unit.starts(*self.window)
        known = [start for tool in self.statistics.tools for start in tool.trend]
        return [*self.table.unit.starts(min(known), max(known)), max(known)] if known else []

    @cached_property
    def rows(self) -> list[Row]:
        bad = worst(self.statistics.tools)
        rows = [self._row(tool, tool.name in bad) for tool in self.statistics.tools]
        return sorted(rows, key=ORDERS[self.address.sort])

    def _row(self, tool: Tool, is_worst: bool) -> Row:
        url = self.address.to(tool=tool.name, sort=DEFAULT_SORT)
        before = None if self.before is None else self.before.get(tool.name, Sums())
        calls_url = self._records_url(tool.name) or url
        return Row(tool, before, self.starts, self.table.unit, url, calls_url, is_worst)

    def _records_url(self, tool: str) -> str:
        """The raw records in the administration, for those who may see them there."""
        if not (self.reader.is_staff and self.reader.has_perm(VIEW_CALLS)):
            return ""
        state = {"tool_name": tool}
        if self.period.label != "all":
            start, end = (instant.astimezone(UTC).isoformat(" ") for instant in self.window)
            state |= {"started_at__gte": start, "started_at__lt": end}
        return f"{reverse('admin:agent_sessions_toolcall_changelist')}?{urlencode(state)}"

    @property
    def one(self) -> Row | None:
        """The tool that is looked at; None where it was not called in the range."""
        return self.rows[0] if self.address.tool and self.rows else None

    @cached_property
    def running(self) -> int:
        """Calls of the range that have no end yet, and whose session is still open."""
        calls = ToolCall.objects.in_progress(self.now).between(*self.window)
        return (calls.of_tool(self.address.tool) if self.address.tool else calls).count()

    @cached_property
    def kept_from(self) -> datetime | None:
        """When the oldest call began that is still stored, if older ones of the range are gone."""
        table = ToolHour if self.table is ToolHour else ToolDay
        units = table.objects.within((table.unit.floor(self.period.start), self.period.end))
        first: Any = units.aggregate(first=Min(table.key))["first"]
        kept: datetime | None = ToolCall.objects.aggregate(at=Min("started_at"))["at"]
        oldest = kept or self.now
        here = table.key_of(table.unit.floor(oldest.astimezone(UTC)))
        return None if first is None or (kept and first >= here) else oldest

    @cached_property
    def failures(self) -> ErrorList:
        address = ErrorsAddress(reverse("errors"), self.period)
        return ErrorList(CALLS, address, self.address.tool, WORST_ERRORS)

    @property
    def errors_url(self) -> str:
        return f"{self.failures.address}#{CALLS}"

    @cached_property
    def failed_calls(self) -> list[FailedCall]:
        return newest_failed(self.address.tool, self.period)

    @cached_property
    def files(self) -> TouchedFiles:
        return most_touched(*self.window)
