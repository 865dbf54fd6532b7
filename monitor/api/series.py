"""Figures over time: one point for each of equal spans, in a few queries however many they are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.db import connection
from django.db.backends.utils import CursorWrapper
from msgspec import Struct

from costs.models import CostRecord, ModelDay, ModelHour
from costs.money import from_nano
from costs.watermark import Watermark, consistently, stored
from monitor.api.window import Span
from records.api import Dollars
from records.faults import Invalid
from records.instants import EPOCH
from sessions.models import ToolCall, ToolDay, ToolHour
from tasks.models import Status, Task

MAX_POINTS = 1_000
HOUR, DAY = 60, 1_440  # minutes

# The database looks up each span in an index by itself: a join would be planned as a scan of all.
BUCKETS = "WITH bucket ({columns}) AS (VALUES {rows}) SELECT {figures} FROM bucket ORDER BY lo"
COUNT = "(SELECT count(*) FROM {table} WHERE {only}{time} >= lo AND {time} < hi)"
HOUR_SUM = "(SELECT coalesce(sum(calls), 0) FROM {table} WHERE hour >= lo AND hour < hi)"
DAY_SUM = "(SELECT coalesce(sum(calls), 0) FROM {table} WHERE day = on_day)"
COST_SUM = """
    (SELECT coalesce(sum({field}), 0) FROM {cells} WHERE start >= lo AND start < sealed)
    + (SELECT coalesce(sum({field}), 0) FROM {records} WHERE timestamp >= raw AND timestamp < hi)
"""


class Point(Struct):
    """What happened from `timestamp` until the next point."""

    timestamp: datetime
    tasks_completed: int
    tasks_failed: int
    tool_calls: int
    requests: int
    cost: Dollars


def points(now: datetime, hours: int, interval: int) -> list[Point]:
    """The newest one holds `now`. Raises Invalid where there would be more than MAX_POINTS."""
    spans = _spans(now, hours, interval)
    columns = zip(spans, _counts(spans, interval), _costs(spans, interval), strict=True)
    return [
        Point(start, int(completed), int(failed), int(calls), int(requests), from_nano(int(nano)))
        for (start, _), (completed, failed, calls), (requests, nano) in columns
    ]


def _spans(now: datetime, hours: int, interval: int) -> list[Span]:
    """As many as fill `hours`. They begin on multiples of the interval in UTC, as rollups do."""
    count = -(-hours * HOUR // interval)
    if count > MAX_POINTS:
        raise Invalid("interval", _advice(hours, count))
    length = timedelta(minutes=interval)
    last = EPOCH + (now.astimezone(UTC) - EPOCH) // length * length
    starts = [last - place * length for place in range(count)][::-1]
    return [(start, start + length) for start in starts]


def _advice(hours: int, count: int) -> str:
    least = -(-hours * HOUR // MAX_POINTS)
    if least > DAY:
        most = MAX_POINTS * DAY // HOUR
        return f"no interval tells of {hours:,} hours in {MAX_POINTS:,} points; ask for {most:,}"
    return f"gives {count:,} points, of which at most {MAX_POINTS:,} are told; take {least:,}"


def _counts(spans: Sequence[Span], interval: int) -> list[tuple[Any, ...]]:
    """Tasks completed and failed, and tool calls."""
    tasks = {"table": Task._meta.db_table, "time": "finished_at"}
    figures = [
        COUNT.format(**tasks, only=f"status = '{status}' AND ")
        for status in (Status.COMPLETED.value, Status.FAILED.value)
    ]
    figures.append(_calls(interval))
    rows = [(*map(adapted, span), on_day(span[0])) for span in spans]
    with connection.cursor() as cursor:
        return read(cursor, ("lo", "hi", "on_day"), rows, figures)


def _calls(interval: int) -> str:
    """Whole days and hours of calls are in rollups."""
    if interval == DAY:
        return DAY_SUM.format(table=ToolDay._meta.db_table)
    if interval % HOUR == 0:
        return HOUR_SUM.format(table=ToolHour._meta.db_table)
    return COUNT.format(table=ToolCall._meta.db_table, time="started_at", only="")


def _costs(spans: Sequence[Span], interval: int) -> list[tuple[Any, ...]]:
    """Requests and nano-dollars, whole cells from the rollups and the rest from the records.

    Spans that cut hours read the records as far back as these are kept; an hour before that is
    told where it begins.
    """
    cells = ModelDay if interval == DAY else ModelHour
    names = {"cells": cells._meta.db_table, "records": CostRecord._meta.db_table}
    figures = [COST_SUM.format(field=field, **names) for field in ("requests", "cost_nano")]

    def answer(cursor: CursorWrapper, mark: Watermark) -> list[tuple[Any, ...]]:
        edge = mark.pruned_before if interval % HOUR else mark.sealed_to
        rows = [tuple(map(stored, (lo, hi, min(hi, edge), max(lo, edge)))) for lo, hi in spans]
        return read(cursor, ("lo", "hi", "sealed", "raw"), rows, figures)

    return consistently(answer)


def read(
    cursor: CursorWrapper,
    columns: Sequence[str],
    rows: Sequence[Sequence[Any]],
    figures: Sequence[str],
) -> list[tuple[Any, ...]]:
    """The figures of each row, in their order."""
    marks = f"({', '.join(['%s'] * len(columns))})"
    text = BUCKETS.format(
        columns=", ".join(columns),
        rows=", ".join([marks] * len(rows)),
        figures=", ".join(figures),
    )
    cursor.execute(text, [value for row in rows for value in row])
    return list(cursor.fetchall())


adapted: Callable[[datetime], Any] = connection.ops.adapt_datetimefield_value


def on_day(instant: datetime) -> Any:
    day: date = instant.date()
    return connection.ops.adapt_datefield_value(day)
