"""The ledger's truth the slow way: every record in a list, every sum a loop."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from costs.totals import Spend

BASE = datetime(2025, 10, 24, tzinfo=UTC)


class Entry(NamedTuple):
    timestamp: datetime
    user_id: str
    model: str
    cost_nano: int
    requests: int = 1


def spent(entries: Iterable[Entry], start: datetime, end: datetime) -> Spend:
    inside = [entry for entry in entries if start <= entry.timestamp < end]
    return Spend(sum(e.requests for e in inside), sum(e.cost_nano for e in inside))


def at(hours: float, microseconds: int = 0) -> datetime:
    return BASE + timedelta(hours=hours, microseconds=microseconds)
