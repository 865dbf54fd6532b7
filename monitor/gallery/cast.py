"""What the examples are made of."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from costs.totals import Totals
from monitor.detail.paging import Sheet
from monitor.detail.work import Shown

NOON = datetime(2026, 3, 15, 12, tzinfo=UTC)
DOLLAR = 10**9  # in nano-dollars
LONG = "mcp__archive__find_every_record_that_mentions_a_word_and_list_it_with_its_neighbours"
MODELS = ("claude-opus-4-1", "claude-sonnet-4-5", "claude-haiku-4-5")


def ago(minutes: float) -> datetime:
    return NOON - timedelta(minutes=minutes)


def sheet(number: int = 1, count: int = 1) -> Sheet:
    """The `number`th page of `count`; its links lead to the gallery."""
    return Sheet([], 1, number, count, lambda page: f"?page={page}")


def shown(rows: Iterable[Any], more: int = 0) -> Shown:
    return Shown(list(rows), more)


def totals(cost: float, requests: int = 84) -> Totals:
    """Of so many dollars."""
    return Totals(
        cost_nano=round(cost * DOLLAR),
        requests=requests,
        input_tokens=17_800_000,
        output_tokens=1_650_000,
        cache_read_tokens=36_400_000,
        cache_write_5m_tokens=812_000,
        cache_write_1h_tokens=0,
    )
