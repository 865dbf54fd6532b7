"""The whole table becomes a partitioned one: a copy, proven, that takes its place."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import connection, models, transaction
from django.db.backends.utils import CursorWrapper

from costs.models import CostRecord
from costs.partitions.months import OTHER, TABLE, Month
from costs.partitions.patience import alone
from costs.partitions.table import Index, attach, filled, give_keys, indexes, is_partitioned, wanted
from costs.watermark import own_ledger

DRAFT = f"{TABLE}_draft"
KEY = CostRecord._meta.pk.column
FIELDS = CostRecord._meta.local_concrete_fields
COUNTED = [field.column for field in FIELDS if isinstance(field, models.IntegerField)]
SUMS = ", ".join(["count(*)", *(f"sum({column})" for column in COUNTED)])


class Differs(Exception):
    """The copy does not hold what the table does; nothing was changed."""


def convert(now: datetime, count: int) -> dict[str, int]:
    """Turn the table into partitions; answers the records of each, by its name.

    In one transaction that owns the ledger: others may read meanwhile, but write only afterwards.
    `count` is of months to come. Raises Differs, or DatabaseError; then nothing has changed.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        own_ledger(cursor)
        cursor.execute(f"LOCK TABLE {TABLE} IN SHARE ROW EXCLUSIVE MODE")
        if is_partitioned():  # meanwhile
            return {}
        cursor.execute(
            f"CREATE TABLE {DRAFT} (LIKE {TABLE} INCLUDING ALL EXCLUDING INDEXES)"
            " PARTITION BY RANGE (timestamp)"
        )
        rows = _fill(cursor, wanted(now, count))
        found = indexes(cursor, TABLE)
        _index(cursor, found, list(rows))
        _prove(cursor)
        alone(lambda cursor: _replace(cursor, found))
    return rows


def _fill(cursor: CursorWrapper, months: Sequence[Month]) -> dict[str, int]:
    rows = {}
    for month in months:
        rows[month.table] = filled(cursor, DRAFT, month, TABLE)
        attach(cursor, DRAFT, month)
    cursor.execute(f"CREATE TABLE {OTHER} PARTITION OF {DRAFT} DEFAULT")
    cursor.execute(
        f"INSERT INTO {OTHER} SELECT * FROM {TABLE}"
        " WHERE date_trunc('month', timestamp, 'UTC') <> ALL(%s)",
        [[month.begin for month in months]],
    )
    rows[OTHER] = cursor.rowcount
    return rows


def _index(cursor: CursorWrapper, found: Sequence[Index], partitions: Sequence[str]) -> None:
    """All that the table has; a key that is unique, but without the time, by partition alone."""
    cursor.execute(f"ALTER TABLE {DRAFT} ADD PRIMARY KEY ({KEY}, timestamp)")
    for index in found:
        if not index.unique:
            cursor.execute(f"CREATE INDEX {index.name}_draft ON {DRAFT} USING {index.definition}")
    for partition in partitions:
        give_keys(cursor, partition, [index for index in found if index.unique])


def _prove(cursor: CursorWrapper) -> None:
    there, here = _sums(cursor, TABLE), _sums(cursor, DRAFT)
    if there != here:
        raise Differs(f"The copy differs: read {there}, wrote {here}. Nothing was changed.")


def _sums(cursor: CursorWrapper, table: str) -> tuple[int, ...]:
    cursor.execute(f"SELECT {SUMS} FROM {table}")
    return tuple(int(value or 0) for value in cursor.fetchone())


def _replace(cursor: CursorWrapper, found: Sequence[Index]) -> None:
    """Put the draft in the table's place, with its names; new rows count on."""
    old, new = (_sequence(cursor, table) for table in (TABLE, DRAFT))
    cursor.execute(f"SELECT setval(%s, last_value, is_called) FROM {old}", [new])
    cursor.execute(f"DROP TABLE {TABLE}")
    cursor.execute(f"ALTER TABLE {DRAFT} RENAME TO {TABLE}")
    cursor.execute(f"ALTER SEQUENCE {new} RENAME TO {old.rpartition('.')[2]}")
    cursor.execute(f"ALTER INDEX {DRAFT}_pkey RENAME TO {TABLE}_pkey")
    for index in found:
        if not index.unique:
            cursor.execute(f"ALTER INDEX {index.name}_draft RENAME TO {index.name}")


def _sequence(cursor: CursorWrapper, table: str) -> Any:
    cursor.execute("SELECT pg_get_serial_sequence(%s, %s)", [table, KEY])
    return cursor.fetchone()[0]
