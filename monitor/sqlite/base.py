"""The SQLite of Django in a file that can give back what it no longer needs, written in turns."""

from __future__ import annotations

import sqlite3
import threading
import time
from contextlib import closing
from pathlib import Path
from typing import Any

from django.db.backends.sqlite3 import base
from django.db.utils import OperationalError

from monitor.sqlite.turns import Turns, turns

NOTICED = 0.05  # seconds of waiting in the queue that are not worth two statements


Django: Any = base.DatabaseWrapper  # of which the stubs lack what is overridden here


class DatabaseWrapper(Django):  # type: ignore[misc]
    """Keeps a connection for the next request, as long as it leads to the file of that name."""

    _file: tuple[int, int] | None = None
    _writer: threading.Thread | None = None  # while it is the turn of this connection to write

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """Prepare a new file, once: auto-vacuum counts only before WAL has written its header.

        To ask for it at every opening would be a write each time, for which a mere reader waits.
        Where there is no opening it, whatever the cause, the database is lost to who asks.
        """
        try:
            return self._opened(conn_params)
        except sqlite3.DatabaseError as fault:
            raise sqlite3.OperationalError(str(fault)) from fault

    def _opened(self, conn_params: dict[str, Any]) -> Any:
        file = Path(conn_params["database"])
        if not file.exists() or not file.stat().st_size:
            with closing(sqlite3.connect(**conn_params)) as new:
                new.execute("PRAGMA auto_vacuum=INCREMENTAL")
                new.execute("PRAGMA journal_mode=WAL")
        connection = super().get_new_connection(conn_params)
        self._file = identity(file)
        return connection

    def _start_transaction_under_autocommit(self) -> None:
        """Begin when it is this thread's turn; raises OperationalError where that takes too long.

        Other processes know nothing of turns: for them SQLite waits, for what is left of the time.
        """
        if self.transaction_mode != "IMMEDIATE" or self.is_in_memory_db():
            super()._start_transaction_under_autocommit()
            return
        began = time.monotonic()
        self._writer = self._turns.take(self._patience)
        if self._writer is None:
            raise OperationalError("database is locked")
        try:
            self._begin_within(self._patience - (time.monotonic() - began))
        except BaseException:
            self._end_turn()
            raise

    def _begin_within(self, seconds: float) -> None:
        if self._patience - seconds < NOTICED:
            super()._start_transaction_under_autocommit()
            return
        self._wait_for_others(seconds)
        try:
            super()._start_transaction_under_autocommit()
        finally:
            self._wait_for_others(self._patience)

    def _wait_for_others(self, seconds: float) -> None:
        self.connection.execute(f"PRAGMA busy_timeout={max(1, int(seconds * 1000))}")

    def _set_autocommit(self, autocommit: bool) -> None:
        """Where a transaction ends, but for one whose connection was closed."""
        super()._set_autocommit(autocommit)
        self._end_turn()

    def _close(self) -> None:
        try:
            super()._close()
        finally:
            self._end_turn()

    def _end_turn(self) -> None:
        writer, self._writer = self._writer, None
        if writer:
            self._turns.end(writer)

    @property
    def _turns(self) -> Turns:
        return turns(str(self.settings_dict["NAME"]))

    @property
    def _patience(self) -> float:
        """Seconds."""
        return float(self.settings_dict["OPTIONS"].get("timeout", 5))

    def close_if_unusable_or_obsolete(self) -> None:
        """Before and after each request: a file put into the place of another is seen at once."""
        if self.connection is not None and not self.in_atomic_block and self._is_elsewhere():
            self.close()
        else:
            super().close_if_unusable_or_obsolete()

    def _is_elsewhere(self) -> bool:
        return (
            not self.is_in_memory_db() and identity(Path(self.settings_dict["NAME"])) != self._file
        )


def identity(file: Path) -> tuple[int, int] | None:
    """What tells a file from another one of its name; None where there is none."""
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
