"""A database and a data folder of a test's own, to be backed up and restored."""

from __future__ import annotations

import io
import resource
import sqlite3
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection

from costs import ledger
from costs.models import CostRecord
from monitor import backup
from tasks.models import Attachment, Task
from tasks.reporting import report

ROOT = Path(__file__).parents[2]
START = datetime(2026, 3, 1, tzinfo=UTC)


def quiet(what: str, done: int, total: int) -> None:
    pass


class Home:
    """A data folder with a SQLite database, on which this process works."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.database = folder / "monitor.db"
        self.attachments = folder / "attachments"

    def fill(self, records: int = 3, name: str = "t") -> None:
        """A task with a file, and records of which the older ones are sealed."""
        report(task_id=name, at=START, status="running")
        Task(pk=name).attach("a.txt", name.encode())
        for number in range(records):
            at = START + timedelta(hours=number)
            ledger.record_usage(
                user_id="u", model="opus", input_tokens=1, output_tokens=1, timestamp=at
            )
        ledger.seal(START + timedelta(hours=1))

    def content(self) -> list[Any]:
        """What is in the database and in the files that it names."""
        files = {
            str(row.file): (self.attachments / str(row.file)).read_bytes()
            for row in Attachment.objects.all()
        }
        return [sorted(Task.objects.values_list()), sorted(CostRecord.objects.values_list()), files]

    def names(self) -> set[str]:
        """Of all files, but for those that SQLite makes while it works."""
        files = (path for path in self.folder.rglob("*") if path.is_file())
        return {path.name for path in files if not path.name.endswith(("-wal", "-shm"))}

    def backup(self, path: Path, *, force: bool = False) -> backup.About:
        return backup.make(path, force=force, progress=quiet)

    def restore(self, path: Path, *, force: bool = False) -> backup.Restored:
        return backup.restore(path, force=force, progress=quiet)

    def manage(self, *command: str, largest: int | None = None) -> subprocess.CompletedProcess[str]:
        """Run a command as a process of its own that may write no file of more than `largest`.

        That holds for compiled modules too, and Python 3.11 keeps torn ones: so none is written.
        """
        return subprocess.run(
            [sys.executable, "-B", "manage.py", *command],
            cwd=ROOT,
            env={"DATA_DIR": str(self.folder), "SECRET_KEY": "tests"},
            capture_output=True,
            text=True,
            preexec_fn=lambda: (
                largest and resource.setrlimit(resource.RLIMIT_FSIZE, (largest, largest))
            ),
        )


@contextmanager
def moved_in(folder: Path) -> Iterator[Home]:
    """A home in `folder` with a copy of the test's database, while it is empty."""
    home, known, place = Home(folder), connection.settings_dict["NAME"], settings.DATA_DIR
    home.attachments.mkdir(parents=True)
    with closing(sqlite3.connect(known)) as old, closing(sqlite3.connect(home.database)) as new:
        old.backup(new)
    connection.close()
    connection.settings_dict["NAME"], settings.DATA_DIR = str(home.database), folder
    try:
        yield home
    finally:
        connection.close()
        connection.settings_dict["NAME"], settings.DATA_DIR = known, place


def repacked(path: Path, **changed: bytes | None) -> None:
    """Write a backup anew with other parts; the names are without their suffix."""
    with tarfile.open(path) as old:
        parts = {told.name: old.extractfile(told).read() for told in old}  # type: ignore[union-attr]
    for name in list(parts):
        if (short := name.partition(".")[0]) in changed:
            parts[name] = changed[short]  # type: ignore[assignment]
    with tarfile.open(path, "w") as new:
        for name, content in parts.items():
            if content is not None:
                told = tarfile.TarInfo(name)
                told.size = len(content)
                new.addfile(told, io.BytesIO(content))


def part(path: Path, name: str) -> bytes:
    with tarfile.open(path) as tar:
        file = tar.extractfile(name)
        assert file
        return file.read()
