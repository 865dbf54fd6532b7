"""Records that should never have been booked leave the ledger, and their sums with them.

Not for what is merely old: that is pruned, and its sums stay.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction

from costs import cells, spans
from costs.models import ROLLUPS, CostRecord, Rollup
from costs.totals import SUMMED_FIELDS
from costs.watermark import own_ledger, stored

TABLE = CostRecord._meta.db_table
OF_SOURCE = "source = %s AND source_id IS NOT NULL AND timestamp < %s"
EMPTY = " AND ".join(f"{field} = 0" for field in SUMMED_FIELDS)


@dataclass(frozen=True, slots=True)
class Erased:
    """How many records are gone, and what they had cost in nano-dollars."""

    records: int
    cost_nano: int


def erase(source: str) -> Erased:
    """Delete the records of `source` that carry a source_id, as if they had never been booked.

    In one transaction that owns the ledger: those before the watermark are taken out of their
    cells. What was pruned of the source before is not known any more, and stays in the sums.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        params = [source, stored(own_ledger(cursor).sealed_to)]
        for rollup in ROLLUPS:
            _take_out(rollup, params)
        spans.rebuild(f"session_key IN (SELECT session_key FROM {TABLE} WHERE {OF_SOURCE})", params)
        cursor.execute(
            f"DELETE FROM {TABLE} WHERE source = %s AND source_id IS NOT NULL RETURNING cost_nano",
            [source],
        )
        costs = [int(cost) for (cost,) in cursor.fetchall()]
    return Erased(len(costs), sum(costs))


def _take_out(rollup: type[Rollup], params: Sequence[Any]) -> None:
    """Subtract the sealed records of a source; a cell that holds nothing any more goes.

    A record counts one request or a cost at least, so an empty cell has no record behind it.
    """
    table = rollup._meta.db_table
    here = " AND ".join(f"{column} = %s" for column in (*rollup.keys, "start"))
    width = len(rollup.keys) + 1
    less = ", ".join(f"{field} = {field} - %s" for field in SUMMED_FIELDS)
    with connection.cursor() as cursor:
        cursor.execute(cells.grouped(rollup, OF_SOURCE), params)
        shares = sorted(cursor.fetchall())
        cursor.executemany(
            f"UPDATE {table} SET {less} WHERE {here}",
            [(*share[width:], *share[:width]) for share in shares],
        )
        cursor.executemany(
            f"DELETE FROM {table} WHERE {here} AND {EMPTY}",
            [share[:width] for share in shares],
        )
