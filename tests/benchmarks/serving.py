"""A server in a process of its own, and what the system knows of that process."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.utils import timezone

from monitor.models import ApiKey
from tests.benchmarks.clients import Server
from tests.benchmarks.place import clients, file, is_postgres, open_database, url


@contextmanager
def serving(database: str) -> Iterator[tuple[Server, Process]]:
    """`manage.py serve` on a database, which this process opens too."""
    open_database(database)
    key = ApiKey(name="bench", can_read=True, can_write=True, created_at=timezone.now())
    secret = key.give_secret()
    key.save()
    process = subprocess.Popen(
        [sys.executable, "manage.py", "serve", "--port", "0"],
        env=os.environ | {"DATABASE_URL": url(database)},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    try:
        found = re.search(r"http://([^/]+):(\d+)/", process.stdout.readline())
        assert found
        yield Server((found[1], int(found[2])), secret), Process(process.pid, database)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)


class Process:
    def __init__(self, pid: int, database: str) -> None:
        self._folder, self._database = Path(f"/proc/{pid}"), database

    def status(self, name: str) -> int:
        """A number of /proc/PID/status: Threads, or VmRSS in kB."""
        found = re.search(rf"{name}:\s+(\d+)", (self._folder / "status").read_text())
        assert found
        return int(found[1])

    def connections(self) -> int:
        """How often the database is open: in that process or, on PostgreSQL, outside this one."""
        if is_postgres():
            return clients(self._database)
        files, held = (self._folder / "fd").iterdir(), str(file(self._database))
        return sum(str(entry.readlink()) == held for entry in files if entry.exists())
