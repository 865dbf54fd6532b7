"""What a ledger takes on disk, beside the same records in the plain schema it replaced."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import connection

from costs.models import SessionSpan
from tests.benchmarks import ledgers, place, plain
from tests.benchmarks.timing import at_most, show

AIM = 0.75


def compare(sizes: Sequence[int]) -> None:
    show(
        "Size on disk",
        "A ledger with its indexes and rollups; and the same records in one table with the time as"
        " text, the cost as a float, and indexes on time, user and time, model, and session.",
        ["records", "ledger", "of it the rollups", "plain", "ratio", "aim"],
        [_row(size) for size in sizes],
    )


def _row(size: int) -> list[str]:
    name = ledgers.sized(size)
    empty = place.new_database("measured")
    place.open_database(empty)
    nothing = place.size(empty)
    place.open_database(name)
    whole = place.size(name) - nothing
    rollups = _bytes([table._meta.db_table for table in (*ledgers.ROLLUPS, SessionSpan)])
    plain.beside(size)
    old = _bytes([plain.TABLE])
    return [
        f"{size:,}",
        f"{whole / 1e6:,.1f} MB",
        f"{rollups / 1e6:,.1f} MB",
        f"{old / 1e6:,.1f} MB",
        f"{whole / old:.2f}x",
        at_most(whole / old, AIM),
    ]


def _bytes(tables: list[str]) -> int:
    """What the tables take with their indexes."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                "SELECT sum(pg_total_relation_size(name::regclass))"
                " FROM unnest(%s::text[]) AS name",
                [tables],
            )
        else:
            marks = ", ".join(["%s"] * len(tables))
            cursor.execute(
                "SELECT sum(pgsize) FROM dbstat WHERE aggregate = TRUE AND name IN"
                f" (SELECT name FROM sqlite_master WHERE tbl_name IN ({marks}))",
                tables,
            )
        return int(cursor.fetchone()[0])
