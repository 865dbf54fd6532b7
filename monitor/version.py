"""A text that changes with every commit to the database, told without a look at its rows."""

from __future__ import annotations

import atexit
import secrets
import sqlite3
import threading
from pathlib import Path

from django.db import connection


class Watch:
    """One connection of this process that only counts the commits of all others to a file.

    A count has a meaning for its own connection alone, so each begins with a word of its own:
    neither a restart nor another file can repeat a text.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._file: tuple[str, int, int] | None = None
        self._word = ""

    def version(self, path: str) -> str:
        with self._lock:
            found = Path(path).stat()
            file = (path, found.st_dev, found.st_ino)
            if self._connection is None or file != self._file:
                self._connection, self._file = self._opened(path), file
            [(count,)] = self._connection.execute("PRAGMA data_version").fetchall()
            return f"{self._word} {count}"

    def close(self) -> None:
        if self._connection:
            self._connection.close()
            self._connection = None

    def _opened(self, path: str) -> sqlite3.Connection:
        self.close()
        self._word = secrets.token_hex(8)
        uri = f"{Path(path).absolute().as_uri()}?mode=rw"  # never makes a file
        return sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False)


WATCH = Watch()
atexit.register(WATCH.close)


def version() -> str:
    """A text that differs whenever anything was committed since it was last asked for.

    SQLite is asked beside the connection of the request; PostgreSQL in one query, whose answer
    changes with every transaction that writes.
    """
    if connection.vendor == "sqlite":
        return WATCH.version(str(connection.settings_dict["NAME"]))
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_current_snapshot()::text")
        return str(cursor.fetchone()[0])
