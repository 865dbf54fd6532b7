"""Sums of many windows at once: a statement of fixed form, however many there are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from itertools import chain, pairwise
from typing import Any

from django.db import connection
from django.db.backends.utils import CursorWrapper

from costs.pieces import Span
from costs.sources import RECORDS, Only, answered, parted, sources
from costs.totals import SUMMED_FIELDS, Spend
from costs.watermark import Watermark, consistently, stored

FIELDS = SUMMED_FIELDS[:2]
SUMS = ", ".join(f"sum({field})" for field in FIELDS)
Table = tuple[str, str, str]
"""A table with the column of its time and the SQL of its key."""
Tagged = tuple[int, datetime, datetime]
"""A bucket and one of the spans that it is made of."""


def series(
    start: datetime, end: datetime, edges: Sequence[datetime], only: Only, key: str
) -> list[dict[str, Spend]]:
    """What [start, end) holds of each bucket [edges[i], edges[i + 1]), by `key`, a column.

    An hour whose records are pruned counts as a whole where it begins, or where the window does;
    of one user and one model the month does.
    """

    def read(cursor: CursorWrapper, mark: Watermark) -> list[tuple[Any, ...]]:
        cuts = [_moved(edge, (start, end), mark, only) for edge in edges]
        return _read(cursor, _tagged(cuts, mark, only, key), only)

    rows = consistently(read)
    buckets: list[dict[str, Spend]] = [{} for _ in edges[1:]]
    for bucket, name, *sums in rows:
        buckets[bucket][name] = Spend(*map(int, sums))
    return buckets


def _moved(edge: datetime, window: Span, mark: Watermark, only: Only) -> datetime:
    """Where an edge can lie: in the window, and on a whole hour where records are pruned."""
    first, last = answered(*window, mark, only)
    if edge <= window[0]:
        return first
    if edge >= window[1]:
        return last
    return min(max(parted(edge, window, mark, only), first), last)


def _tagged(
    cuts: Sequence[datetime], mark: Watermark, only: Only, key: str
) -> dict[Table, list[Tagged]]:
    spans: dict[Table, list[Tagged]] = defaultdict(list)
    for bucket, window in enumerate(pairwise(cuts)):
        for source in sources(*window, mark, only, key):
            spans[source.table, source.time, source.keys[0]].append((bucket, *source.span))
    return spans


def _read(
    cursor: CursorWrapper, tables: dict[Table, list[Tagged]], only: Only
) -> list[tuple[Any, ...]]:
    """Bucket, key and sums. Each span is looked up in the index of its table's time.

    The spans are rows of VALUES: SQLite takes no more than 500 SELECTs in one statement.
    """
    if not tables:
        return []
    spans = ", ".join(
        f"span_{place} (bucket, lo, hi) AS (VALUES {', '.join(['(%s, %s, %s)'] * len(tagged))})"
        for place, tagged in enumerate(tables.values())
    )
    parts = " UNION ALL ".join(_part(place, *table, only) for place, table in enumerate(tables))
    values = [
        value
        for tagged in tables.values()
        for bucket, lo, hi in tagged
        for value in (bucket, stored(lo), stored(hi))
    ]
    asked = ([*ends(tagged), *only.values()] for tagged in tables.values())
    cursor.execute(
        f"WITH {spans} SELECT bucket, name, {SUMS} FROM ({parts}) AS part GROUP BY 1, 2",
        [*values, *chain.from_iterable(asked)],
    )
    return list(cursor.fetchall())


def _part(place: int, table: str, time: str, key: str, only: Only) -> str:
    """SQLite keeps the order of a CROSS JOIN: the spans outside, the index within."""
    return (
        f"SELECT bucket, {key} AS name, {', '.join(FIELDS)}"
        f" FROM span_{place} CROSS JOIN {table}"
        f" WHERE {time} >= lo AND {time} < hi{within(time)}{conditions(table, only)}"
    )


def within(time: str) -> str:
    """PostgreSQL takes each span for a ninth of the table, unless it knows where all of them lie.

    SQLite would look for a span between these ends instead of its own.
    """
    return f" AND {time} >= %s AND {time} < %s" if connection.vendor == "postgresql" else ""


def ends(tagged: Sequence[Tagged]) -> list[Any]:
    if connection.vendor != "postgresql":
        return []
    return [stored(min(lo for _, lo, _ in tagged)), stored(max(hi for *_, hi in tagged))]


def conditions(table: str, only: Only) -> str:
    """Of the records, an index has the user and the time; the other columns are but compared.

    Left bare, they would make SQLite build an index of all records for the one statement.
    """
    compared = " || ''" if table == RECORDS and "user_id" not in only else ""
    return "".join(f" AND {column}{compared} = %s" for column in only)
