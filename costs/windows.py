"""Exact sums over any window of time, from the rollups and a few raw rows at its edges.

A window is cut into raw edge, hours, whole UTC days, hours, and the raw tail that is not sealed
yet. Every record falls into one piece, and whole numbers add up alike in any grouping, so the
answer equals the sum over all records ever made, to the nano-dollar. Before `pruned_before` only
whole hours can be asked for: edges there are widened to the hour, and `bounds` tells.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any

from django.db import connection
from django.db.backends.utils import CursorWrapper

from costs.dearest import dearest
from costs.instants import EPOCH, FOREVER
from costs.pieces import Span, widened
from costs.sources import Only, Source, parameters, read, selected, sources
from costs.totals import SUMMED_FIELDS, Spend, Totals
from costs.watermark import consistently, watermark

__all__ = [
    "EPOCH",
    "FOREVER",
    "Span",
    "Spend",
    "Totals",
    "bounds",
    "by_model",
    "by_session",
    "by_type",
    "by_user",
    "is_empty",
    "spend",
    "spend_of",
    "totals",
]

SPEND_FIELDS = SUMMED_FIELDS[:2]


def bounds(start: datetime, end: datetime) -> Span:
    """The window that is truly answered for [start, end): wider only where rows are pruned."""
    with connection.cursor() as cursor:
        return widened(start, end, watermark(cursor))


def spend(
    start: datetime, end: datetime, *, user_id: str | None = None, model: str | None = None
) -> Spend:
    """Requests and cost of [start, end), of one user or one model where given, not of both."""
    return Spend(*summed(SPEND_FIELDS, start, end, _one_of(user_id, model)))


def spend_of(users: Sequence[str], start: datetime, end: datetime) -> dict[str, Spend]:
    """Requests and cost of each of `users` with records in [start, end)."""
    if not users:
        return {}
    rows = _told("user_id", SPEND_FIELDS, start, end, {"user_id": tuple(users)})
    return {name: Spend(*map(int, sums)) for name, *sums in rows}


def totals(
    start: datetime, end: datetime, *, user_id: str | None = None, model: str | None = None
) -> Totals:
    """As `spend`, with the tokens."""
    return Totals(*summed(SUMMED_FIELDS, start, end, _one_of(user_id, model)))


def _one_of(user_id: str | None, model: str | None) -> Only:
    if user_id is not None and model is not None:
        raise ValueError("a window is of one user or of one model")
    only = {"user_id": user_id, "model": model}
    return {column: value for column, value in only.items() if value is not None}


def by_model(start: datetime, end: datetime) -> dict[str, Totals]:
    """The Totals of each model used in [start, end)."""
    return grouped("model", start, end)


def by_user(start: datetime, end: datetime) -> dict[str, Totals]:
    """The Totals of each user with records in [start, end)."""
    return grouped("user_id", start, end)


def by_type(start: datetime, end: datetime) -> dict[str, Totals]:
    """The Totals of each request type used in [start, end); what is not known stands under ""."""
    return grouped("request_type", start, end)


def by_session(start: datetime, end: datetime, top: int) -> list[tuple[str, Totals]]:
    """The `top` dearest sessions of [start, end) with their Totals, the dearest first."""
    return dearest(start, end, {}, top)


def summed(fields: Sequence[str], start: datetime, end: datetime, only: Only) -> list[int]:
    """The sums of `fields` over the records of [start, end) that are as `only` says."""
    rows: list[tuple[Any, ...]] = consistently(
        lambda cursor, mark: read(cursor, sources(start, end, mark, only), fields, only)
    )
    return [int(total or 0) for total in rows[0]] if rows else [0] * len(fields)


def is_empty(start: datetime, end: datetime, only: Only = MappingProxyType({})) -> bool:
    """Whether [start, end) has no record that is as `only` says: the first one found tells."""
    return not consistently(
        lambda cursor, mark: _first(cursor, sources(start, end, mark, only), only)
    )


def _first(cursor: CursorWrapper, places: Sequence[Source], only: Only) -> list[tuple[Any, ...]]:
    if not places:
        return []
    parts = " UNION ALL ".join(selected(place, ["1"], only) for place in places)
    cursor.execute(f"SELECT 1 FROM ({parts}) AS part LIMIT 1", parameters(places, only))
    return list(cursor.fetchall())


def grouped(
    key: str, start: datetime, end: datetime, only: Only = MappingProxyType({})
) -> dict[str, Totals]:
    """The Totals by `key`, a column, of the records of [start, end) that are as `only` says."""
    rows = _told(key, SUMMED_FIELDS, start, end, only)
    return {name: Totals(*map(int, sums)) for name, *sums in rows}


def _told(
    key: str, fields: Sequence[str], start: datetime, end: datetime, only: Only
) -> list[tuple[Any, ...]]:
    return consistently(
        lambda cursor, mark: read(cursor, sources(start, end, mark, only, key), fields, only)
    )
