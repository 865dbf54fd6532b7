"""The cells of the four rollup tables: added to from rows at hand, or from the records' table."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import connection

from costs.models import ROLLUPS, CostRecord, Rollup
from costs.totals import SUMMED_FIELDS
from costs.usage import Row
from costs.watermark import stored

SUMS = ", ".join(f"sum({field})" for field in SUMMED_FIELDS)


def add(rows: Sequence[Row]) -> None:
    """Add late rows to their cells: summed first, then one upsert a cell, in a fixed order.

    The order keeps writers that meet on PostgreSQL from locking each other out.
    """
    for rollup in ROLLUPS if rows else ():
        cells: dict[tuple[str, datetime], list[int]] = defaultdict(lambda: [0] * len(SUMMED_FIELDS))
        for row in rows:
            cell = cells[getattr(row, rollup.key), rollup.floor(row.timestamp)]
            cell[:] = [
                a + getattr(row, field) for a, field in zip(cell, SUMMED_FIELDS, strict=True)
            ]
        values = ", ".join(["%s"] * (2 + len(SUMMED_FIELDS)))
        with connection.cursor() as cursor:
            cursor.executemany(
                _upsert(rollup, f"VALUES ({values})"),
                [(key, stored(start), *sums) for (key, start), sums in sorted(cells.items())],
            )


def fold(condition: str, params: Sequence[Any], rollups: Sequence[type[Rollup]] = ROLLUPS) -> None:
    """Add the records that `condition`, SQL over the records' table, selects to their cells."""
    for rollup in rollups:
        with connection.cursor() as cursor:
            cursor.execute(_upsert(rollup, grouped(rollup, condition) + " ORDER BY 1, 2"), params)


def grouped(rollup: type[Rollup], condition: str) -> str:
    """SQL that sums the records which `condition` selects into rows of `rollup`'s form."""
    return (
        f"SELECT {rollup.key}, {floored('timestamp', rollup.span)} AS start, {SUMS}"
        f" FROM {CostRecord._meta.db_table} WHERE {condition} GROUP BY 1, 2"
    )


def floored(column: str, span: str) -> str:
    """SQL for the beginning of the UTC hour or day; SQLite's stored text is cut, not computed."""
    if connection.vendor == "postgresql":
        return f"date_trunc('{span}', {column}, 'UTC')"
    kept, rest = {"hour": (13, ":00:00"), "day": (10, " 00:00:00")}[span]
    return f"substr({column}, 1, {kept}) || '{rest}'"


def _upsert(rollup: type[Rollup], rows: str) -> str:
    table = rollup._meta.db_table
    grown = ", ".join(f"{field} = {table}.{field} + EXCLUDED.{field}" for field in SUMMED_FIELDS)
    return (
        f"INSERT INTO {table} ({rollup.key}, start, {', '.join(SUMMED_FIELDS)}) {rows}"
        f" ON CONFLICT ({rollup.key}, start) DO UPDATE SET {grown}"
    )
