"""Which rows of which tables answer a question to the ledger, and the statement that sums them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.backends.utils import CursorWrapper

from costs.instants import EPOCH, FOREVER, ceil_hour, ceil_month, floor_month
from costs.models import (
    CostRecord,
    ModelDay,
    ModelHour,
    Rollup,
    SessionHour,
    TypeDay,
    TypeHour,
    UserDay,
    UserHour,
    UserModelMonth,
)
from costs.pieces import Pieces, Span, cut, kept, only_months_pruned, whole_months, widened
from costs.watermark import Watermark, stored

# The hours and the days of each column by which sums are kept.
ROLLED_UP: dict[str, tuple[type[Rollup], type[Rollup]]] = {
    "model": (ModelHour, ModelDay),
    "user_id": (UserHour, UserDay),
    "request_type": (TypeHour, TypeDay),
    "session_key": (SessionHour, SessionHour),
}
# The columns by which sums are kept together, by month; users alone have fewer months than days.
PAIR = {*UserModelMonth.keys}
MONTHLY = (PAIR, {"user_id"})
MONTHS = UserModelMonth._meta.db_table
RECORDS = CostRecord._meta.db_table
UNKNOWN = "''"

Only = Mapping[str, str | tuple[str, ...]]
"""The columns of the records asked for, each with its one value, or with some."""


@dataclass(frozen=True, slots=True)
class Source:
    """A span of a table by its column `time`, grouped by `keys`, which are SQL."""

    table: str
    time: str
    keys: tuple[str, ...]
    span: Span


def is_raw(start: datetime, end: datetime, mark: Watermark, only: Only) -> bool:
    """Whether raw records alone can tell: no rollup is by the source, nor, but by whole months
    for user and model, by two columns."""
    if only.keys() == PAIR:
        return not only_months_pruned(start, end, mark)
    return len(only) > 1 or not only.keys() <= ROLLED_UP.keys()


def answered(start: datetime, end: datetime, mark: Watermark, only: Only) -> Span:
    """The part of [start, end) that is told of, or a little more: see costs.pieces."""
    is_kept = is_raw(start, end, mark, only)
    return kept(start, end, mark) if is_kept else widened(start, end, mark)


def parted(edge: datetime, window: Span, mark: Watermark, only: Only) -> datetime:
    """Where the window can be parted, at `edge` or after it: not within what is pruned."""
    if only.keys() != PAIR or is_raw(*window, mark, only):
        return ceil_hour(edge) if edge < mark.pruned_before else edge
    is_pruned = window[0] < mark.pruned_before and floor_month(edge) < mark.pruned_before
    return ceil_month(edge) if is_pruned else edge


def sources(
    start: datetime, end: datetime, mark: Watermark, only: Only, key: str = ""
) -> list[Source]:
    """Where the records of [start, end) that are as `only` says are summed, by `key` if given.

    Rollups by one column tell nothing of another, but for the whole months of users and models.
    Where both are asked for, the raw records tell it as far back as they are kept; what was pruned
    has a blank key, or, of sessions, is left out.
    """
    first, last = whole_months(start, end, mark)
    by_month = {*only, key} - {""} in MONTHLY and first < last
    if not by_month or is_raw(start, end, mark, only):
        return daily(start, end, mark, only, key)
    return [
        *daily(start, first, mark, only, key),
        months((key,) if key else (), first, last, mark),
        *daily(last, end, mark, only, key),
    ]


def months(keys: tuple[str, ...], first: datetime, last: datetime, mark: Watermark) -> Source:
    """Whole months of users and models; none is sealed after `sealed_to`."""
    return Source(MONTHS, "start", keys, (first, FOREVER if last == mark.sealed_to else last))


def daily(
    start: datetime, end: datetime, mark: Watermark, only: Only, key: str = ""
) -> list[Source]:
    """As `sources`, but of cells no longer than a day where the key is told."""
    keys = (key,) if key else ()
    raw = _raw(keys, kept(start, end, mark))
    if is_raw(start, end, mark, only) or (only and key == "session_key"):
        return raw
    if only.keys() == PAIR:
        return _pruned_months(keys, start, end, mark)
    columns = {*only, *keys}
    if len(columns) < 2:
        return _rolled_up(next(iter(columns), "model"), keys, cut(start, end, mark))
    pruned = cut(start, min(end, mark.pruned_before), mark)
    return [*_rolled_up(next(iter(only)), (UNKNOWN,), pruned), *raw]


def _pruned_months(
    keys: tuple[str, ...], start: datetime, end: datetime, mark: Watermark
) -> list[Source]:
    """The months in which records are pruned, with a blank key, and the records after them."""
    start, end = widened(start, end, mark)
    told = start
    if start < mark.pruned_before:
        told = min(ceil_month(mark.pruned_before), mark.sealed_to, end)
    months = [Source(MONTHS, "start", (UNKNOWN,), (start, told))] if start < told else []
    return [*months, *_raw(keys, (told, end))]


def _rolled_up(column: str, keys: tuple[str, ...], pieces: Pieces) -> list[Source]:
    hour, day = (rollup._meta.db_table for rollup in ROLLED_UP[column])
    return [
        *(source for span in pieces.raw for source in _raw(keys, span)),
        *(Source(hour, "start", keys, span) for span in pieces.hours),
        *(Source(day, "start", keys, span) for span in pieces.days),
    ]


def _raw(keys: tuple[str, ...], span: Span) -> list[Source]:
    return [Source(RECORDS, "timestamp", keys, span)] if span[0] < span[1] else []


def read(
    cursor: CursorWrapper, places: Sequence[Source], fields: Sequence[str], only: Only
) -> list[tuple[Any, ...]]:
    """The keys and the sums over all places, in one statement."""
    if not places:
        return []
    keys = range(1, len(places[0].keys) + 1)
    group = f" GROUP BY {', '.join(map(str, keys))}" if keys else ""
    columns = ", ".join([*(f"key_{key}" for key in keys), *map("sum({})".format, fields)])
    parts = " UNION ALL ".join(_part(place, fields, only) + group for place in places)
    cursor.execute(f"SELECT {columns} FROM ({parts}) AS part{group}", parameters(places, only))
    return list(cursor.fetchall())


def _part(place: Source, fields: Sequence[str], only: Only) -> str:
    named = [f"{key} AS key_{number}" for number, key in enumerate(place.keys, 1)]
    return selected(place, [*named, *(f"sum({field}) AS {field}" for field in fields)], only)


def selected(place: Source, columns: Sequence[str], only: Only) -> str:
    """SQL for columns of a place, with the parameters of that place."""
    conditions = [
        *(f"{place.time} {side} %s" for side, _ in _ends(place)),
        *(f"{column} IN ({', '.join(['%s'] * len(values))})" for column, values in _asked(only)),
    ]
    where = " AND ".join(conditions or ["TRUE"])
    return f"SELECT {', '.join(columns)} FROM {place.table} WHERE {where}"


def parameters(places: Sequence[Source], only: Only) -> list[Any]:
    """The values in the order in which the places are selected."""
    asked = [value for _, values in _asked(only) for value in values]
    return [value for place in places for value in (*(end for _, end in _ends(place)), *asked)]


def _ends(place: Source) -> list[tuple[str, Any]]:
    """The ends of its span; none of all months, which are read in the order of their keys then."""
    if place.table == MONTHS and place.span == (EPOCH, FOREVER):
        return []
    return [(side, stored(end)) for side, end in zip((">=", "<"), place.span, strict=True)]


def _asked(only: Only) -> list[tuple[str, tuple[str, ...]]]:
    return [
        (column, (value,) if isinstance(value, str) else value) for column, value in only.items()
    ]
