"""What PostgreSQL's catalogue knows of the records' table, and one partition more of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection
from django.db.backends.utils import CursorWrapper

from costs.partitions.months import OTHER, TABLE, Month, ahead
from costs.watermark import stored

LONGEST = 120  # months before this one; what is older shares a partition
INDEXES = """
    SELECT relname, split_part(pg_get_indexdef(indexrelid), ' USING ', 2), indisunique
    FROM pg_index JOIN pg_class ON oid = indexrelid
    WHERE indrelid = %s::regclass AND NOT indisprimary
    AND NOT EXISTS (SELECT FROM pg_inherits WHERE inhrelid = indexrelid)
    ORDER BY relname
"""


@dataclass(frozen=True, slots=True)
class Index:
    name: str
    definition: str  # what stands behind USING
    unique: bool


def is_partitioned() -> bool:
    """Whether `manage.py partitions` was here."""
    if connection.vendor != "postgresql":
        return False
    with connection.cursor() as cursor:
        cursor.execute("SELECT relkind = 'p' FROM pg_class WHERE oid = %s::regclass", [TABLE])
        return bool(cursor.fetchone()[0])


def months() -> list[Month]:
    """Those that have a partition, the oldest first."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_inherits JOIN pg_class ON oid = inhrelid"
            " WHERE inhparent = %s::regclass",
            [TABLE],
        )
        return sorted(month for (name,) in cursor.fetchall() if (month := Month.named(name)))


def wanted(now: datetime, count: int) -> list[Month]:
    """The months without a partition that should have one, the oldest first.

    These are this one, `count` more, and those of records that lie in none yet, if not too old.
    """
    coming, there = ahead(now, count), months()
    source = OTHER if is_partitioned() else TABLE
    span = [stored(coming[0].plus(-LONGEST).begin), stored(coming[-1].end)]
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT DISTINCT date_trunc('month', timestamp, 'UTC') FROM {source}"
            " WHERE timestamp >= %s AND timestamp < %s",
            span,
        )
        found = [Month.of(begin) for (begin,) in cursor.fetchall()]
    return sorted({*coming, *found} - set(there))


def indexes(cursor: CursorWrapper, table: str) -> list[Index]:
    """Of the table itself, but for its primary key; of a partition, those that the whole lacks."""
    cursor.execute(INDEXES, [table])
    suffix = _suffix(table)
    return [Index(name.removesuffix(suffix), *rest) for name, *rest in cursor.fetchall()]


def filled(cursor: CursorWrapper, parent: str, month: Month, source: str) -> int:
    """Make the table of a month in the form of `parent`, with the rows of `source`; how many."""
    cursor.execute(f"CREATE TABLE {month.table} (LIKE {parent} INCLUDING ALL EXCLUDING IDENTITY)")
    cursor.execute(
        f"INSERT INTO {month.table} SELECT * FROM {source}"
        " WHERE timestamp >= %s AND timestamp < %s",
        [stored(month.begin), stored(month.end)],
    )
    return int(cursor.rowcount)


def attach(cursor: CursorWrapper, parent: str, month: Month) -> None:
    cursor.execute(
        f"ALTER TABLE {parent} ATTACH PARTITION {month.table} FOR VALUES FROM (%s) TO (%s)",
        [stored(month.begin), stored(month.end)],
    )


def give_keys(cursor: CursorWrapper, partition: str, keys: Sequence[Index]) -> None:
    """Let the unique keys be so within the partition: over all, none without a time can be."""
    for key in keys:
        name = f"{key.name}{_suffix(partition)}"
        cursor.execute(f"CREATE UNIQUE INDEX {name} ON {partition} USING {key.definition}")


def _suffix(partition: str) -> str:
    """What the names of its own indexes end with."""
    return partition.removeprefix(TABLE)
