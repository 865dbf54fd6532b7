"""The SQLite of Django in a file that can give back what it no longer needs."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from django.db.backends.sqlite3 import base


class DatabaseWrapper(base.DatabaseWrapper):
    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """Prepare a new file, once: auto-vacuum counts only before WAL has written its header.

        To ask for it at every opening would be a write each time, for which a mere reader waits.
        """
        file = Path(conn_params["database"])
        if not file.exists() or not file.stat().st_size:
            with closing(sqlite3.connect(**conn_params)) as new:
                new.execute("PRAGMA auto_vacuum=INCREMENTAL")
                new.execute("PRAGMA journal_mode=WAL")
        return super().get_new_connection(conn_params)
