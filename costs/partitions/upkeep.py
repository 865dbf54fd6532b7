"""Months that come, and months that go."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from functools import partial

from django.db.backends.utils import CursorWrapper

from costs.models import CostRecord
from costs.partitions.months import OTHER, TABLE, Month
from costs.partitions.patience import alone
from costs.partitions.table import (
    attach,
    filled,
    give_keys,
    indexes,
    is_partitioned,
    months,
    wanted,
)
from costs.watermark import stored


def extend(now: datetime, count: int) -> Iterator[tuple[Month, int]]:
    """Make the months that are wanted; yields each with the number of records that it took over.

    Each is a transaction of its own, in which nobody else reads or writes.
    """
    for month in wanted(now, count):
        yield month, alone(partial(_make, month))


def _make(month: Month, cursor: CursorWrapper) -> int:
    """Move the month's records into a partition of its own.

    Not while others read: a statement planned before it and carried out after it would find them
    neither here nor there.
    """
    if month in months():  # another run was quicker
        return 0
    moved = filled(cursor, TABLE, month, OTHER)
    cursor.execute(
        f"DELETE FROM {OTHER} WHERE timestamp >= %s AND timestamp < %s",
        [stored(month.begin), stored(month.end)],
    )
    give_keys(cursor, month.table, indexes(cursor, OTHER))
    attach(cursor, TABLE, month)
    return moved


def droppable(before: datetime) -> list[Month]:
    """The months with a partition that lie wholly before `before`."""
    return [month for month in months() if month.end <= before] if is_partitioned() else []


def drop(before: datetime) -> Iterator[int]:
    """Drop the partitions of months that lie wholly before `before`, which is pruned already.

    Yields the number of records in each after it went, a transaction of its own.
    """
    for month in droppable(before):
        records = CostRecord.objects.between(month.begin, month.end).count()
        alone(partial(_drop, month))
        if records:
            yield records


def _drop(month: Month, cursor: CursorWrapper) -> None:
    cursor.execute(f"DROP TABLE IF EXISTS {month.table}")  # another prune may have been quicker
