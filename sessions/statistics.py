"""How often tools were called, how often that failed and how long it took, over any range.

Calls and failures are exact: whole UTC days come from ToolDay, the edges of a range from the calls
themselves. Percentiles (sessions.durations) of up to seven days come from the calls; those of
longer ranges are within 0.8 %, as whole UTC months come from ToolDuration. The rollups outlive the
calls they count; at an edge only calls that are still stored are seen.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from django.db import connection
from django.db.models import Count, Q, QuerySet, Sum

from sessions.durations import bucket, nearest_rank, quantile
from sessions.models import ToolCall, ToolDay, ToolDuration

EXACT_FOR = timedelta(days=7, minutes=1)  # a week that ends with the current minute
CHUNK = 5_000

Span = tuple[datetime, datetime]


class Unit(NamedTuple):
    """Spans of UTC that follow each other: when the one that holds an instant began."""

    floor: Callable[[datetime], datetime]
    longest: timedelta

    def ceil(self, instant: datetime) -> datetime:
        here = self.floor(instant)
        return here if here == instant else self.floor(here + self.longest)


def floor_day(instant: datetime) -> datetime:
    return instant.replace(hour=0, minute=0, second=0, microsecond=0)


def floor_month(instant: datetime) -> datetime:
    return floor_day(instant).replace(day=1)


DAY = Unit(floor_day, timedelta(days=1))
MONTH = Unit(floor_month, timedelta(days=31))


@dataclass(frozen=True, slots=True)
class Tool:
    """The calls of one tool in a range; percentiles in ms, None where no duration is known.

    Calls that still run, or whose end was never reported, count as calls.
    """

    name: str
    calls: int
    failures: int
    p50: float | None
    p95: float | None

    @property
    def failure_rate(self) -> float:
        """A share of 1."""
        return self.failures / self.calls


@dataclass(frozen=True, slots=True)
class Statistics:
    """The tools called in a range, the most called first; `exact` speaks of the percentiles."""

    tools: tuple[Tool, ...]
    exact: bool

    @property
    def calls(self) -> int:
        return sum(tool.calls for tool in self.tools)

    @property
    def failures(self) -> int:
        return sum(tool.failures for tool in self.tools)


@dataclass(slots=True)
class Tally:
    """One tool while it is counted: its durations as they are, or how many in each bucket."""

    calls: int = 0
    failures: int = 0
    durations: list[int] = field(default_factory=list)
    buckets: Counter[int] = field(default_factory=Counter)

    def percentile(self, q: float) -> float | None:
        return nearest_rank(self.durations, q) if self.durations else quantile(self.buckets, q)


def tools(start: datetime, end: datetime) -> Statistics:
    """The tools called in [start, end), two aware datetimes."""
    exact = end - start <= EXACT_FOR
    tallies = _by_calls(start, end) if exact else _by_rollups(start, end)
    rows = [
        Tool(name, tally.calls, tally.failures, tally.percentile(0.5), tally.percentile(0.95))
        for name, tally in tallies.items()
        if tally.calls
    ]
    return Statistics(tuple(sorted(rows, key=lambda tool: (-tool.calls, tool.name))), exact)


def count(start: datetime, end: datetime) -> int:
    """How many tool calls began in [start, end), as quick to tell for years as for a day."""
    whole, edges = _cut(start, end, DAY)
    days = _days(whole).aggregate(calls=Sum("calls", default=0))["calls"] if whole else 0
    return int(days) + sum(ToolCall.objects.between(*edge).count() for edge in edges)


# By cursor: over a week's calls the ORM takes longer than the database. A bare column "success"
# would be turned into a bool in Python, row by row.
CALLS = f"""
    SELECT tool_name, duration_ms, success IS FALSE FROM {ToolCall._meta.db_table}
    WHERE started_at >= %s AND started_at < %s
"""


def _by_calls(start: datetime, end: datetime) -> dict[str, Tally]:
    tallies: dict[str, Tally] = defaultdict(Tally)
    with connection.cursor() as cursor:
        cursor.execute(CALLS, list(map(connection.ops.adapt_datetimefield_value, (start, end))))
        for name, duration, failed in cursor.fetchall():
            tally = tallies[name]
            tally.calls += 1
            tally.failures += failed
            if duration is not None:
                tally.durations.append(duration)
    for tally in tallies.values():
        tally.durations.sort()
    return tallies


def _by_rollups(start: datetime, end: datetime) -> dict[str, Tally]:
    tallies: dict[str, Tally] = defaultdict(Tally)
    for name, calls, failures in _counted(start, end):
        tallies[name].calls += int(calls)
        tallies[name].failures += int(failures)
    for name, number, calls in _timed(start, end):
        tallies[name].buckets[number] += int(calls)
    return tallies


def _counted(start: datetime, end: datetime) -> Iterator[tuple[str, int, int]]:
    """Calls and failures by tool, in pieces that add up."""
    whole, edges = _cut(start, end, DAY)
    if whole:
        yield from _days(whole).values_list("tool_name").annotate(Sum("calls"), Sum("failures"))
    failed = Count("pk", filter=Q(success=False))
    for edge in edges:
        yield from (
            ToolCall.objects.between(*edge)
            .values_list("tool_name")
            .annotate(Count("pk"), failed=failed)
        )


def _timed(start: datetime, end: datetime) -> Iterator[tuple[str, int, int]]:
    """Calls by tool and bucket of duration, in pieces that add up."""
    whole, edges = _cut(start, end, MONTH)
    if whole:
        first, last = (instant.date() for instant in whole)
        months = ToolDuration.objects.filter(month__gte=first, month__lt=last)
        yield from months.values_list("tool_name", "bucket").annotate(Sum("calls"))
    for edge in edges:
        known = ToolCall.objects.between(*edge).filter(duration_ms__isnull=False)
        rows = known.values_list("tool_name", "duration_ms").annotate(Count("pk"))
        for name, duration, calls in rows.iterator(CHUNK):
            yield name, bucket(duration), calls


def _days(whole: Span) -> QuerySet[ToolDay]:
    first, last = (instant.date() for instant in whole)
    return ToolDay.objects.filter(day__gte=first, day__lt=last)


def _cut(start: datetime, end: datetime, unit: Unit) -> tuple[Span | None, list[Span]]:
    """The whole units of [start, end), and what is left of it before and after them."""
    start, end = start.astimezone(UTC), end.astimezone(UTC)
    first, last = unit.ceil(start), unit.floor(end)
    if first >= last:
        return None, [(start, end)] if start < end else []
    return (first, last), [edge for edge in ((start, first), (last, end)) if edge[0] < edge[1]]
