"""What the tool calls add up to, kept in the transaction that changes a call.

Each call has a share in its tool's hour, day and month. Before a call changes its share is taken
out, and put back in as it then is: so the sums equal those over all rows, in whatever order and
however often events arrive (docs/adr/0008).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from django.db import connection

from sessions.durations import bucket, packed, unpacked
from sessions.file_uses import FileUses
from sessions.models import ToolCall, ToolDay, ToolHour, ToolMonth
from sessions.models.rollup import ToolSums

TABLES: tuple[type[ToolSums], ...] = (ToolHour, ToolDay, ToolMonth)
COLUMNS = ("calls", "failures", "timed", "total_ms")
LOCK = "FOR UPDATE" if connection.features.has_select_for_update else ""

Key = tuple[str, Any]
"""A tool, and an hour, day or month as its column holds it."""


@dataclass(slots=True)
class Sums:
    """What is added up of some calls of one tool, or to be taken off where it is negative."""

    calls: int = 0
    failures: int = 0
    timed: int = 0
    total_ms: int = 0
    durations: dict[int, int] = field(default_factory=lambda: defaultdict(int))

    def count(self, success: bool | None, duration_ms: int | None, sign: int = 1) -> None:
        """Add a call, or take it off where `sign` is -1."""
        self.calls += sign
        self.failures += sign * (success is False)
        if duration_ms is not None:
            self.timed += sign
            self.total_ms += sign * duration_ms
            self.durations[bucket(duration_ms)] += sign

    def add(self, other: Sums) -> None:
        for name in COLUMNS:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        mine = self.durations
        for number, count in other.durations.items():
            mine[number] += count

    def __bool__(self) -> bool:
        """Whether there is anything to add."""
        return any((*self.row[:-1], *self.durations.values()))

    @property
    def row(self) -> tuple[Any, ...]:
        return *(getattr(self, name) for name in COLUMNS), packed(self.durations)

    @property
    def fields(self) -> dict[str, Any]:
        """As a row of a rollup holds them."""
        return dict(zip((*COLUMNS, "durations"), self.row, strict=True))


class Shares:
    """What is to be added to the rollups, gathered over a batch."""

    def __init__(self) -> None:
        self.hours: dict[tuple[str, datetime], Sums] = defaultdict(Sums)
        self.files = FileUses()
        self.of_session: dict[int, Counter[str]] = defaultdict(Counter)

    def added(self, call: ToolCall) -> None:
        """Put in the share of a new call."""
        self._count(call, 1)
        self.files.added(call)

    def removed(self, call: ToolCall) -> None:
        """Take the share out of a call that leaves with its session, files and all."""
        self._count(call, -1)

    def changed(self, old: ToolCall, call: ToolCall) -> None:
        """Take the share out that a call had, and put in the one it has now."""
        self._count(old, -1)
        self._count(call, 1)
        self.files.changed(old, call)

    def _count(self, call: ToolCall, sign: int) -> None:
        hour = ToolHour.unit.floor(call.started_at.astimezone(UTC))
        self.hours[call.tool_name, hour].count(call.success, call.duration_ms, sign)
        session = self.of_session[call.session_id]
        session["calls"] += sign
        session["failures"] += sign * (call.success is False)

    def book(self) -> None:
        """Add what was gathered, each table in the order of its keys, lest two batches cross."""
        for table in TABLES:
            add(table, gathered(table, self.hours))
        self.files.book()


def gathered(table: type[ToolSums], hours: Mapping[tuple[str, datetime], Sums]) -> dict[Key, Sums]:
    """Sums by tool and hour as those of the units of `table`, in their order; no empty ones."""
    found: dict[Key, Sums] = defaultdict(Sums)
    for (tool, hour), sums in hours.items():
        found[tool, table.key_of(table.unit.floor(hour))].add(sums)
    return {key: found[key] for key in sorted(found) if found[key]}


def add(table: type[ToolSums], sums: Mapping[Key, Sums]) -> None:
    """Add to the rows of `sums`, in their order; rows are made where missing, and go at zero."""
    if not sums:
        return
    rows = _locked(table, sums)
    for key, (_, row) in rows.items():
        row.add(sums[key])
    name = table._meta.db_table
    grown = ", ".join(f"{column} = %s" for column in Sums().fields)
    _run(f"UPDATE {name} SET {grown} WHERE id = %s", [(*row.row, pk) for pk, row in rows.values()])
    gone = [(pk,) for pk, row in rows.values() if not row.calls]
    _run(f"DELETE FROM {name} WHERE id = %s", gone)


def _locked(table: type[ToolSums], keys: Iterable[Key]) -> dict[Key, tuple[int, Sums]]:
    """The rows and their ids, made where missing. One that went at zero meanwhile is made anew.

    Past the ORM, which takes longer to put the statement together than the database to answer.
    """
    wanted = {(tool, _stored(table, start)): (tool, start) for tool, start in keys}
    _make(table, wanted)
    columns = ", ".join(("id", "tool_name", table.key, *COLUMNS, "durations"))
    tools, starts = (list(dict.fromkeys(part)) for part in zip(*wanted, strict=True))
    text = (
        f"SELECT {columns} FROM {table._meta.db_table}"
        f" WHERE tool_name IN ({_marks(tools)}) AND {table.key} IN ({_marks(starts)})"
        f" ORDER BY tool_name, {table.key} {LOCK}"
    )
    found = {}
    with connection.cursor() as cursor:
        cursor.execute(text, [*tools, *starts])
        for pk, tool, start, calls, failures, timed, total_ms, durations in cursor.fetchall():
            key = tool, start.replace(tzinfo=UTC) if isinstance(start, datetime) else start
            held = defaultdict(int, unpacked(durations))
            found[key] = pk, Sums(calls, failures, timed, total_ms, held)
    rows = {key: found[key] for key in wanted.values() if key in found}
    return rows if len(rows) == len(wanted) else _locked(table, keys)


def _make(table: type[ToolSums], keys: Iterable[Key]) -> None:
    """All of them, whether missing or not: batches that make the same rows meet here in order."""
    _run(
        f"INSERT INTO {table._meta.db_table}"
        f" (tool_name, {table.key}, calls, failures, timed, total_ms, durations)"
        f" VALUES (%s, %s, 0, 0, 0, 0, %s) ON CONFLICT (tool_name, {table.key}) DO NOTHING",
        [(*key, b"") for key in keys],
    )


def _stored(table: type[ToolSums], start: object) -> Any:
    field: Any = table._meta.get_field(table.key)
    return field.get_db_prep_save(start, connection)


def _marks(values: Sequence[object]) -> str:
    return ", ".join(["%s"] * len(values))


def _run(statement: str, rows: Sequence[Sequence[Any]]) -> None:
    if rows:
        with connection.cursor() as cursor:
            cursor.executemany(statement, rows)
