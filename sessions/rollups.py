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
from django.db.models import Count, Max, Min, Model, Q

from sessions.durations import bucket
from sessions.models import FileAccess, ToolCall, ToolDay, ToolDuration

# How the tools that touch files do it; others that name a file are taken to read it.
WRITES = ("Write",)
EDITS = ("Edit", "MultiEdit", "NotebookEdit")


class Shares:
    """What is to be added to the rollups, gathered over a batch."""

    def __init__(self) -> None:
        self.calls: Counter[tuple[str, date]] = Counter()
        self.failures: Counter[tuple[str, date]] = Counter()
        self.durations: Counter[tuple[str, date, int]] = Counter()
        self.files: set[tuple[int, str]] = set()
        self.of_session: dict[int, Counter[str]] = defaultdict(Counter)

    def count(self, call: ToolCall, sign: int) -> None:
        """Put the share of `call` in (1) or take it out (-1)."""
        day = call.started_at.astimezone(UTC).date()
        failed = sign * (call.success is False)
        self.calls[call.tool_name, day] += sign
        self.failures[call.tool_name, day] += failed
        if call.duration_ms is not None:
            self.durations[call.tool_name, day.replace(day=1), bucket(call.duration_ms)] += sign
        if call.file_path:
            self.files.add((call.session_id, call.file_path))
        session = self.of_session[call.session_id]
        session["calls"] += sign
        session["failures"] += failed

    def book(self) -> None:
        """Add what was gathered, each table in the order of its keys, lest two batches cross."""
        days = [(*key, self.calls[key], self.failures[key]) for key in sorted(self.calls)]
        _add(ToolDay, ("tool_name", "day"), ("calls", "failures"), days)
        buckets = [(*key, self.durations[key]) for key in sorted(self.durations)]
        _add(ToolDuration, ("tool_name", "month", "bucket"), ("calls",), buckets)
        recount(self.files)


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
    with connection.cursor() as cursor:
        cursor.executemany(
            f"INSERT INTO {name} ({columns}) VALUES ({marks}, {zeros})"
            f" ON CONFLICT ({', '.join(keys)}) DO NOTHING",
            [row[:width] for row in changed],
        )
        cursor.executemany(
            f"UPDATE {name} SET {grown} WHERE {here}",
            [(*row[width:], *row[:width]) for row in changed],
        )
        cursor.executemany(
            f"DELETE FROM {name} WHERE {here} AND calls = 0",
            [row[:width] for row in changed if row[width] < 0],
        )


def recount(files: Iterable[tuple[int, str]]) -> None:
    """Count anew how often sessions, by id, used files: their rows are locked by the caller."""
    touched = dict.fromkeys(sorted(files))
    sessions, paths = {session for session, _ in touched}, {path for _, path in touched}
    counted = ToolCall.objects.filter(session_id__in=sessions, file_path__in=paths)
    writes, edits = Q(tool_name__in=WRITES), Q(tool_name__in=EDITS)
    rows = counted.values_list("session_id", "file_path").annotate(
        reads=Count("id", filter=~(writes | edits)),
        writes=Count("id", filter=writes),
        edits=Count("id", filter=edits),
        first_at=Min("started_at"),
        last_at=Max("started_at"),
    )
    figures = ("reads", "writes", "edits", "first_at", "last_at")
    found = {
        (session, path): FileAccess(
            session_id=session, path=path, **dict(zip(figures, values, strict=True))
        )
        for session, path, *values in rows
        if (session, path) in touched
    }
    gone = [key for key in touched if key not in found]
    for session, path in gone:
        FileAccess.objects.filter(session_id=session, path=path).delete()
    FileAccess.objects.bulk_create(
        [found[key] for key in touched if key in found],
        update_conflicts=True,
        unique_fields=["session", "path"],
        update_fields=figures,
    )
