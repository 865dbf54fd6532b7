"""What a ledger takes on disk, beside the same records in the plain schema it replaced."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import connection

from tests.benchmarks import ledgers, place
from tests.benchmarks.timing import at_most, show

AIM = 0.75
PLAIN = (
    """CREATE TABLE plain (
        id INTEGER PRIMARY KEY, timestamp TEXT NOT NULL, user_id TEXT NOT NULL,
        model TEXT NOT NULL, request_type TEXT NOT NULL, session_key TEXT NOT NULL,
        source TEXT NOT NULL, input_tokens INTEGER NOT NULL, output_tokens INTEGER NOT NULL,
        cache_read_tokens INTEGER NOT NULL, cache_write_tokens INTEGER NOT NULL,
        cost DOUBLE PRECISION NOT NULL)""",
    """INSERT INTO plain SELECT id, {time}, user_id, model, request_type, session_key, source,
        input_tokens, output_tokens, cache_read_tokens, cache_write_5m_tokens, cost_nano / 1e9
        FROM costs_costrecord""",
    "CREATE INDEX plain_time ON plain (timestamp)",
    "CREATE INDEX plain_user ON plain (user_id, timestamp)",
    "CREATE INDEX plain_model ON plain (model)",
    "CREATE INDEX plain_session ON plain (session_key)",
)
TIME = {
    "sqlite": "replace(timestamp, ' ', 'T') || '+00:00'",
    "postgresql": "to_char(timestamp AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US+00:00')",
}


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
    whole, rollups = place.size(name) - nothing, _rollups()
    place.open_database(place.new_database("plain", like=name))
    before = place.size("plain")
    with connection.cursor() as cursor:
        for statement in PLAIN:
            cursor.execute(statement.replace("{time}", TIME[connection.vendor]))
    plain = place.size("plain") - before
    return [
        f"{size:,}",
        f"{whole / 1e6:,.1f} MB",
        f"{rollups / 1e6:,.1f} MB",
        f"{plain / 1e6:,.1f} MB",
        f"{whole / plain:.2f}x",
        at_most(whole / plain, AIM),
    ]


def _rollups() -> int:
    """Bytes of the rollups with their indexes."""
    names = tuple(rollup._meta.db_table for rollup in ledgers.ROLLUPS)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                "SELECT sum(pg_total_relation_size(name::regclass))"
                " FROM unnest(%s::text[]) AS name",
                [list(names)],
            )
        else:
            marks = ", ".join(["%s"] * len(names))
            cursor.execute(
                "SELECT sum(pgsize) FROM dbstat WHERE name IN (SELECT name FROM sqlite_master"
                f" WHERE tbl_name IN ({marks}))",
                names,
            )
        return int(cursor.fetchone()[0])
