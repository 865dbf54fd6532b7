"""What the tool calls add up to, kept in the transaction that changes a call.

Each call has a share in its tool's day and month. Before a call changes its share is taken out,
and put back in as it then is: so the sums equal those over all rows, in whatever order and
however often events arrive (docs/adr/0008).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, date
from typing import Any

from django.db import connection
from django.db.models import Model

from sessions.durations import bucket
from sessions.file_uses import FileUses
from sessions.models import ToolCall, ToolDay, ToolDuration


class Shares:
    """What is to be added to the rollups, gathered over a batch."""

    def __init__(self) -> None:
        self.calls: Counter[tuple[str, date]] = Counter()
        self.failures: Counter[tuple[str, date]] = Counter()
        self.durations: Counter[tuple[str, date, int]] = Counter()
        self.files = FileUses()
        self.of_session: dict[int, Counter[str]] = defaultdict(Counter)

    def added(self, call: ToolCall) -> None:
        """Put in the share of a new call."""
        self._count(call, 1)
        self.files.added(call)

    def changed(self, old: ToolCall, call: ToolCall) -> None:
        """Take the share out that a call had, and put in the one it has now."""
        self._count(old, -1)
        self._count(call, 1)
        self.files.changed(old, call)

    def _count(self, call: ToolCall, sign: int) -> None:
        day = call.started_at.astimezone(UTC).date()
        failed = sign * (call.success is False)
        self.calls[call.tool_name, day] += sign
        self.failures[call.tool_name, day] += failed
        if call.duration_ms is not None:
            self.durations[call.tool_name, day.replace(day=1), bucket(call.duration_ms)] += sign
        session = self.of_session[call.session_id]
        session["calls"] += sign
        session["failures"] += failed

    def book(self) -> None:
        """Add what was gathered, each table in the order of its keys, lest two batches cross."""
        days = [(*key, self.calls[key], self.failures[key]) for key in sorted(self.calls)]
        _add(ToolDay, ("tool_name", "day"), ("calls", "failures"), days)
        buckets = [(*key, self.durations[key]) for key in sorted(self.durations)]
        _add(ToolDuration, ("tool_name", "month", "bucket"), ("calls",), buckets)
        self.files.book()


def _add(
    table: type[Model], keys: Sequence[str], sums: Sequence[str], rows: Iterable[Sequence[Any]]
) -> None:
    """Add to the rows' sums by their keys; rows are made where missing, and go at zero."""
    changed = [row for row in rows if any(row[len(keys) :])]
    name, width = table._meta.db_table, len(keys)
    columns, zeros = ", ".join((*keys, *sums)), ", ".join("0" for _ in sums)
    here = " AND ".join(f"{key} = %s" for key in keys)
    grown = ", ".join(f"{field} = {field} + %s" for field in sums)
    marks = ", ".join("%s" for _ in keys)
    _run(
        f"INSERT INTO {name} ({columns}) VALUES ({marks}, {zeros})"
        f" ON CONFLICT ({', '.join(keys)}) DO NOTHING",
        [row[:width] for row in changed],
    )
    _run(
        f"UPDATE {name} SET {grown} WHERE {here}",
        [(*row[width:], *row[:width]) for row in changed],
    )
    _run(
        f"DELETE FROM {name} WHERE {here} AND calls = 0",
        [row[:width] for row in changed if row[width] < 0],
    )


def _run(statement: str, rows: Sequence[Sequence[Any]]) -> None:
    if rows:
        with connection.cursor() as cursor:
            cursor.executemany(statement, rows)
