"""From rows of tool_usage to calls: the origin wrote one row before a call and one after it.

Pure. A row finds its partner among those before it, and what was paired stays paired: so a
database that has grown gives the same calls as before, and those that are new.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

WINDOW = timedelta(minutes=10)
SKEW = timedelta(seconds=1)
MOST_OPEN = 1_000


@dataclass(frozen=True, slots=True)
class ToolUse:
    """A row of tool_usage. `success` is None in the row written before a call.

    `likeness` is equal for two rows that may tell of one call.
    """

    id: int
    at: datetime
    success: bool | None
    likeness: Hashable
    tool_name: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    error: str = ""
    duration_ms: float | None = None
    tokens: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Call:
    """One call, of which its start, its end or both are known."""

    start: ToolUse | None
    end: ToolUse | None

    @property
    def rows(self) -> list[ToolUse]:
        return sorted(filter(None, (self.start, self.end)), key=lambda row: row.id)

    @property
    def first(self) -> ToolUse:
        """The row written first: whatever follows, the call keeps its id."""
        return self.rows[0]


def calls(rows: Iterable[ToolUse]) -> Iterator[Call]:
    """The calls of one task or session, from its rows in the order of their ids.

    Only rows of the last ten minutes wait for their partner, and no more than MOST_OPEN.
    """
    waiting: dict[int, ToolUse] = {}  # by id, oldest first
    alike: dict[Hashable, dict[int, ToolUse]] = defaultdict(dict)
    for row in rows:
        for old in _too_old(waiting, row.at):
            yield _single(_forget(old, waiting, alike))
        partner = _partner(row, alike[row.likeness].values())
        if partner:
            yield _pair(_forget(partner, waiting, alike), row)
        else:
            waiting[row.id] = alike[row.likeness][row.id] = row
    yield from map(_single, waiting.values())


def _too_old(waiting: Mapping[int, ToolUse], now: datetime) -> list[ToolUse]:
    old: list[ToolUse] = []
    for row in waiting.values():
        if now - row.at <= WINDOW and len(waiting) - len(old) < MOST_OPEN:
            break
        old.append(row)
    return old


def _forget(
    row: ToolUse, waiting: dict[int, ToolUse], alike: dict[Hashable, dict[int, ToolUse]]
) -> ToolUse:
    del waiting[row.id], alike[row.likeness][row.id]
    if not alike[row.likeness]:
        del alike[row.likeness]
    return row


def _partner(row: ToolUse, others: Iterable[ToolUse]) -> ToolUse | None:
    """The nearest earlier one; only where there is none, one that skew made seem later."""
    fitting = [other for other in others if _fit(other, row)]
    return min(fitting, key=lambda other: _distance(other, row), default=None)


def _fit(old: ToolUse, new: ToolUse) -> bool:
    """Whether `new`, which was written after `old`, tells of the same call."""
    if old.success is None and new.success is not None:
        return -SKEW <= new.at - old.at <= WINDOW
    if old.success is not None and new.success is None:  # the writers overtook each other
        return timedelta() <= old.at - new.at <= SKEW
    return False


def _distance(old: ToolUse, new: ToolUse) -> tuple[bool, timedelta, int]:
    start, end = (old, new) if old.success is None else (new, old)
    return start.at > end.at, abs(end.at - start.at), -old.id


def _pair(old: ToolUse, new: ToolUse) -> Call:
    return Call(old, new) if old.success is None else Call(new, old)


def _single(row: ToolUse) -> Call:
    return Call(row, None) if row.success is None else Call(None, row)
