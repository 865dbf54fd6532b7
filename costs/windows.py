"""Exact sums over any window of time, from the rollups and a few raw rows at its edges.

A window is cut into raw edge, hours, whole UTC days, hours, and the raw tail that is not sealed
yet. Every record falls into one piece, and whole numbers add up alike in any grouping, so the
answer equals the sum over all records ever made, to the nano-dollar. Before `pruned_before` only
whole hours can be asked for: edges there are widened to the hour, and `bounds` tells.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.backends.utils import CursorWrapper

from costs.instants import (
    EPOCH,
    FOREVER,
    ceil_day,
    ceil_hour,
    floor_day,
    floor_hour,
)
from costs.models import CostRecord, ModelDay, ModelHour, Rollup, UserDay, UserHour
from costs.totals import SUMMED_FIELDS, Spend, Totals
from costs.watermark import Watermark, consistently, watermark

__all__ = [
    "EPOCH",
    "FOREVER",
    "Spend",
    "Totals",
    "bounds",
    "by_model",
    "by_user",
    "cut",
    "spend",
    "totals",
]

Span = tuple[datetime, datetime]
SPEND_FIELDS = SUMMED_FIELDS[:2]


@dataclass(frozen=True, slots=True)
class Pieces:
    """Disjoint spans [start, end) that together are a window, by where their sums are kept."""

    raw: tuple[Span, ...]
    hours: tuple[Span, ...] = ()
    days: tuple[Span, ...] = ()


def widened(start: datetime, end: datetime, mark: Watermark) -> Span:
    """The window that can be answered exactly: edges before `pruned_before` on whole hours."""
    return (
        floor_hour(start) if start < mark.pruned_before else start,
        ceil_hour(end) if end < mark.pruned_before else end,
    )


def cut(start: datetime, end: datetime, mark: Watermark) -> Pieces:
    """Cut [start, end) so that no piece reads raw rows before `pruned_before`.

    A rollup cell counts as in a span when its beginning is. The last sealed cells may be cut
    short by `sealed_to`; they hold just what lies before it, and the raw tail goes on from there.
    """
    if start >= end:
        return Pieces(raw=())
    start, end = widened(start, end, mark)
    first_hour, last_hour = ceil_hour(start), min(mark.sealed_to, floor_hour(end))
    if first_hour >= last_hour:
        return Pieces(raw=((start, end),))
    raw = _real((start, first_hour), (last_hour, end))
    first_day, last_day = ceil_day(first_hour), min(mark.sealed_to, floor_day(end))
    if first_day >= last_day:
        return Pieces(raw, hours=((first_hour, last_hour),))
    hours = _real((first_hour, first_day), (last_day, last_hour))
    return Pieces(raw, hours, days=((first_day, last_day),))


def _real(*spans: Span) -> tuple[Span, ...]:
    return tuple(span for span in spans if span[0] < span[1])


def bounds(start: datetime, end: datetime) -> Span:
    """The window that is truly answered for [start, end): wider only where rows are pruned."""
    with connection.cursor() as cursor:
        return widened(start, end, watermark(cursor))


def spend(
    start: datetime, end: datetime, *, user_id: str | None = None, model: str | None = None
) -> Spend:
    """Requests and cost of [start, end), of one user or one model where given, not of both."""
    return Spend(*_sums(SPEND_FIELDS, start, end, user_id, model))


def totals(
    start: datetime, end: datetime, *, user_id: str | None = None, model: str | None = None
) -> Totals:
    """As `spend`, with the tokens."""
    return Totals(*_sums(SUMMED_FIELDS, start, end, user_id, model))


def by_model(start: datetime, end: datetime) -> dict[str, Totals]:
    """The Totals of each model used in [start, end)."""
    return _grouped((ModelHour, ModelDay), start, end)


def by_user(start: datetime, end: datetime) -> dict[str, Totals]:
    """The Totals of each user with records in [start, end)."""
    return _grouped((UserHour, UserDay), start, end)


Pair = tuple[type[Rollup], type[Rollup]]


def _sums(
    fields: Sequence[str],
    start: datetime,
    end: datetime,
    user_id: str | None,
    model: str | None,
) -> Sequence[int]:
    if user_id is not None and model is not None:
        raise ValueError("a window is of one user or of one model")
    pair: Pair = (ModelHour, ModelDay) if user_id is None else (UserHour, UserDay)
    only = {"user_id": user_id, "model": model}
    where = {column: value for column, value in only.items() if value is not None}
    rows = consistently(
        lambda cursor, mark: _read(cursor, pair, fields, cut(start, end, mark), where)
    )
    return [int(total or 0) for total in rows[0]] if rows else [0] * len(fields)


def _grouped(pair: Pair, start: datetime, end: datetime) -> dict[str, Totals]:
    key = pair[0].key
    rows = consistently(
        lambda cursor, mark: _read(cursor, pair, SUMMED_FIELDS, cut(start, end, mark), {}, key)
    )
    return {name: Totals(*map(int, sums)) for name, *sums in rows}


def _read(
    cursor: CursorWrapper,
    pair: Pair,
    fields: Sequence[str],
    pieces: Pieces,
    where: dict[str, str],
    key: str = "",
) -> list[tuple[Any, ...]]:
    """The sums over all pieces in one statement, by `key` where one is given."""
    hour, day = pair
    sources = [
        *((CostRecord._meta.db_table, "timestamp", span) for span in pieces.raw),
        *((hour._meta.db_table, "start", span) for span in pieces.hours),
        *((day._meta.db_table, "start", span) for span in pieces.days),
    ]
    if not sources:
        return []
    named = f"{key}, " if key else ""
    group = f" GROUP BY {key}" if key else ""
    sums = ", ".join(f"sum({field}) AS {field}" for field in fields)
    only = "".join(f" AND {column} = %s" for column in where)
    parts = [
        f"SELECT {named}{sums} FROM {table} WHERE {time} >= %s AND {time} < %s{only}{group}"
        for table, time, _ in sources
    ]
    stored = cursor.db.ops.adapt_datetimefield_value
    params = [
        value
        for *_, (start, end) in sources
        for value in (stored(start), stored(end), *where.values())
    ]
    cursor.execute(
        f"SELECT {named}{sums} FROM ({' UNION ALL '.join(parts)}) AS piece{group}", params
    )
    return list(cursor.fetchall())
