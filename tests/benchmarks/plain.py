"""The plain schema that the ledger replaced, beside a ledger and filled with its records.

One table with the time as text, the cost as a float, and the usual indexes.
"""

from __future__ import annotations

from django.db import connection

from tests.benchmarks import ledgers
from tests.benchmarks.place import exists, new_database, open_database

TABLE = "plain"
STATEMENTS = (
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
    "sqlite": "strftime('%Y-%m-%dT%H:%M:%S', timestamp / 1000000, 'unixepoch')"
    " || printf('.%06d+00:00', timestamp % 1000000)",
    "postgresql": "to_char(timestamp AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US+00:00')",
}


def beside(size: int) -> str:
    """The name of a copy of the ledger of `size` records with the table beside it, opened."""
    name = f"plain{size}"
    if not exists(name):
        new_database(name, like=ledgers.sized(size))
        open_database(name)
        with connection.cursor() as cursor:
            for statement in STATEMENTS:
                cursor.execute(statement.replace("{time}", TIME[connection.vendor]), None)
        ledgers.settle()
    open_database(name)
    return name
