"""The cells of the rollup tables: added to from rows at hand, or from the records' table."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import connection

from costs import spans
from costs.instants import floor_hour
from costs.models import ROLLUPS, CostRecord, Rollup, SessionHour
from costs.totals import SUMMED_FIELDS
from costs.usage import Row
from costs.watermark import stored

# Microseconds: SQLite has instants as numbers (records.fields).
SECOND, HOUR, DAY = 1_000_000, 3_600_000_000, 86_400_000_000
EPOCH_DAY = 2440587.5  # of the julian calendar
SUMS = ", ".join(f"sum({field})" for field in SUMMED_FIELDS)


def add(rows: Sequence[Row]) -> None:
    """Add late rows to their cells: summed first, then one upsert a cell, in a fixed order.

    The order keeps writers that meet on PostgreSQL from locking each other out.
    """
    if not rows:
        return
    for rollup in ROLLUPS:
        _add_to(rollup, rows)
    spans.add((row.session_key, row.timestamp, row.cost_nano) for row in rows if row.session_key)


def _add_to(rollup: type[Rollup], rows: Sequence[Row]) -> None:
    cells: dict[tuple[Any, ...], list[int]] = defaultdict(lambda: [0] * len(SUMMED_FIELDS))
    for row in rows:
        key = tuple(getattr(row, column) for column in rollup.keys)
        if not (any(key) or rollup.takes_blank):
            continue
        cell = cells[*key, rollup.floor(row.timestamp)]
        cell[:] = [a + getattr(row, field) for a, field in zip(cell, SUMMED_FIELDS, strict=True)]
    values = ", ".join(["%s"] * (len(rollup.keys) + 1 + len(SUMMED_FIELDS)))
    with connection.cursor() as cursor:
        cursor.executemany(
            _upsert(rollup, f"VALUES ({values})"),
            [(*key, stored(start), *sums) for (*key, start), sums in sorted(cells.items())],
        )


def fold(condition: str, params: Sequence[Any]) -> None:
    """Add the records that `condition`, SQL over the records' table, selects to all their cells."""
    for rollup in ROLLUPS:
        fold_into(rollup, condition, params)
    spans.fold(_sessions(condition), params)


def fold_span(start: datetime, end: datetime) -> None:
    """Add the records of [start, end), none of which is in any cell yet.

    From a whole hour on the days are added up from the hours, which are fewer than the records.
    """
    span, condition = [stored(start), stored(end)], "timestamp >= %s AND timestamp < %s"
    for rollup in ROLLUPS:
        if rollup.hours and start == floor_hour(start):
            fold_hours(rollup.hours, rollup, "start >= %s AND start < %s", span)
        else:
            fold_into(rollup, condition, span)
    spans.fold(_sessions(condition), span)


def fold_into(rollup: type[Rollup], condition: str, params: Sequence[Any]) -> None:
    """Add them to the cells of one rollup."""
    _fold(rollup, grouped(rollup, condition), params)


def fold_hours(
    hour: type[Rollup], day: type[Rollup], condition: str, params: Sequence[Any]
) -> None:
    """Add the hours that `condition`, SQL over their cells, selects to the days they belong to."""
    _fold(day, summed(hour, "day", f"WHERE {condition}"), params)


def _fold(rollup: type[Rollup], rows: str, params: Sequence[Any]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_upsert(rollup, f"{rows} ORDER BY {places(rollup)}"), params)


def grouped(rollup: type[Rollup], condition: str) -> str:
    """SQL that sums the records which `condition` selects into rows of `rollup`'s form."""
    keys = ", ".join(rollup.keys)
    told = "" if rollup.takes_blank else f" AND {keys} <> ''"
    return (
        f"SELECT {keys}, {floored('timestamp', rollup.span)} AS start, {SUMS}"
        f" FROM {CostRecord._meta.db_table} WHERE {condition}{told} GROUP BY {places(rollup)}"
    )


def summed(rollup: type[Rollup], span: str, where: str = "") -> str:
    """SQL that sums the cells by the first column of their key and by the longer `span`."""
    return (
        f"SELECT {rollup.keys[0]}, {floored('start', span)} AS start, {SUMS}"
        f" FROM {rollup._meta.db_table} {where} GROUP BY 1, 2"
    )


def _sessions(condition: str) -> str:
    """SQL that sums the records which `condition` selects into rows of spans.COLUMNS."""
    first, last = (floored(f"{end}(timestamp)", SessionHour.span) for end in ("min", "max"))
    return (
        f"SELECT session_key, {first}, {last}, sum(cost_nano) FROM {CostRecord._meta.db_table}"
        f" WHERE {condition} AND session_key <> '' GROUP BY session_key ORDER BY session_key"
    )


def identity(rollup: type[Rollup]) -> str:
    """The columns that tell the cells of `rollup` apart."""
    return ", ".join([*rollup.keys, "start"])


def places(rollup: type[Rollup]) -> str:
    """The places of these columns where they are selected first."""
    return ", ".join(map(str, range(1, len(rollup.keys) + 2)))


def floored(column: str, span: str) -> str:
    """SQL for the beginning of the UTC hour, day or month."""
    if connection.vendor == "postgresql":
        if span == "month":
            return f"date_trunc('month', {column}, 'UTC')"
        # A division, where date_trunc looks into the calendar of the zone: a third of its time.
        return f"date_bin('1 {span}', {column}, '1970-01-01T00:00Z')"
    if span == "month":
        first = f"julianday({column} / {SECOND}, 'unixepoch', 'start of month')"
        return f"(CAST({first} - {EPOCH_DAY} AS INTEGER) * {DAY})"
    length = HOUR if span == "hour" else DAY
    return f"({column} / {length} * {length})"


def _upsert(rollup: type[Rollup], rows: str) -> str:
    table = rollup._meta.db_table
    grown = ", ".join(f"{field} = {table}.{field} + EXCLUDED.{field}" for field in SUMMED_FIELDS)
    return (
        f"INSERT INTO {table} ({identity(rollup)}, {', '.join(SUMMED_FIELDS)}) {rows}"
        f" ON CONFLICT ({identity(rollup)}) DO UPDATE SET {grown}"
    )
