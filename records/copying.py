"""Many rows into a table, by the quickest way that the database has."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.backends.utils import CursorWrapper

COPIED = 200  # rows from which on PostgreSQL takes a copy sooner than as many statements


def insert(cursor: CursorWrapper, into: str, rows: Sequence[tuple[Any, ...]]) -> None:
    """Insert rows `into` a table, which is named with the columns in brackets.

    Raises Django's database errors, as any statement does.
    """
    if cursor.db.vendor == "postgresql" and len(rows) >= COPIED:
        _copy(cursor, into, rows)
    elif rows:
        marks = ", ".join(["%s"] * len(rows[0]))
        cursor.executemany(f"INSERT INTO {into} VALUES ({marks})", rows)


def _copy(cursor: CursorWrapper, into: str, rows: Sequence[tuple[Any, ...]]) -> None:
    with cursor.db.wrap_database_errors, cursor.copy(f"COPY {into} FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)
