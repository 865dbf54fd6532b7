"""The SQLite of Django in a file that can give back what it no longer needs."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from django.db.backends.sqlite3 import base


class DatabaseWrapper(base.DatabaseWrapper):
    """Keeps a connection for the next request, as long as it leads to the file of that name."""

    _file: tuple[int, int] | None = None

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """Prepare a new file, once: auto-vacuum counts only before WAL has written its header.

        To ask for it at every opening would be a write each time, for which a mere reader waits.
        """
        file = Path(conn_params["database"])
        if not file.exists() or not file.stat().st_size:
            with closing(sqlite3.connect(**conn_params)) as new:
                new.execute("PRAGMA auto_vacuum=INCREMENTAL")
                new.execute("PRAGMA journal_mode=WAL")
        connection = super().get_new_connection(conn_params)
        self._file = identity(file)
        return connection

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
