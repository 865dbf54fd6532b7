from __future__ import annotations

import stat
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import msgspec
import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from costs import audit
from costs.models import CostRecord
from monitor import backup
from monitor.backup import sqlite
from tests.monitor.homes import ROOT, Home, moved_in, part

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor != "sqlite", reason="of SQLite's file"),
]

# Books record after record, seals now and then, and says which record is committed.
WRITER = """
import django
django.setup()
from datetime import timedelta
from itertools import count
from costs import ledger
from tests.monitor.homes import START
for number in count(1):
    at = START + timedelta(minutes=number)
    ledger.record_usage(user_id="u", model="opus", input_tokens=1, output_tokens=1,
                        timestamp=at, source="writer", source_id=str(number))
    print(number, flush=True)
    if number % 50 == 0:
        ledger.seal(at)
"""


@pytest.fixture
def home(transactional_db: None, tmp_path: Path) -> Iterator[Home]:
    with moved_in(tmp_path / "data") as home:
        yield home


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "safe").mkdir()
    return tmp_path / "safe/backup.tar"


@pytest.fixture
def writer(home: Home) -> Iterator[subprocess.Popen[str]]:
    environment = {"DATA_DIR": str(home.folder), "DJANGO_SETTINGS_MODULE": "monitor.settings"}
    with subprocess.Popen(
        [sys.executable, "-c", WRITER],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield process
        process.kill()


class TestMake:
    def test_it_holds_the_database_and_the_files(self, home: Home, path: Path) -> None:
        home.fill()
        about = home.backup(path)
        with tarfile.open(path) as tar:
            names = tar.getnames()
        file = next(home.attachments.iterdir()).name
        assert names == ["database", f"attachments/{file}", "about.json"]
        assert part(path, f"attachments/{file}") == b"t"
        assert about.counts["costs_costrecord"] == 3
        assert msgspec.json.decode(part(path, "about.json"), type=backup.About) == about

    def test_only_its_owner_may_read_it(self, home: Home, path: Path) -> None:
        home.backup(path)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600

    def test_it_tells_how_far_it_is(self, home: Home, path: Path) -> None:
        told = []
        backup.make(path, force=False, progress=lambda *step: told.append(step))
        assert {what for what, *_ in told} == {"Copying", "Reading"}
        assert [done for _, done, total in told if done == total]

    def test_while_another_process_writes_it_is_of_one_instant(
        self, home: Home, path: Path, writer: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        """Page by page, with a commit between any two of them."""
        monkeypatch.setattr(sqlite, "PAGES", 1)
        told = [int(writer.stdout.readline()) for _ in range(120)]
        counted = []

        def wait_for_a_commit(*step: object) -> None:
            told.append(int(writer.stdout.readline()))
            counted.append(CostRecord.objects.count())

        backup.make(path, force=False, progress=wait_for_a_commit)
        writer.kill()
        copy = tmp_path / "copy.db"
        copy.write_bytes(part(path, "database"))
        with sqlite.connected_to(copy):
            kept = sorted(map(int, CostRecord.objects.values_list("source_id", flat=True)))
            assert sum(check.wrong for check in audit.check()) == 0
        assert kept == list(range(1, len(kept) + 1))
        assert told == list(range(1, len(told) + 1))
        assert 120 <= len(kept) < counted[-1]

    def test_a_file_that_is_lost_is_counted(self, home: Home, path: Path) -> None:
        home.fill()
        next(home.attachments.iterdir()).unlink()
        assert home.backup(path).missing == 1

    def test_what_is_there_is_overwritten_only_by_force(self, home: Home, path: Path) -> None:
        path.write_text("precious")
        with pytest.raises(backup.Refused, match="exists already"):
            home.backup(path)
        assert path.read_text() == "precious"
        home.backup(path, force=True)
        assert tarfile.is_tarfile(path)

    def test_it_never_takes_the_place_of_the_database(self, home: Home) -> None:
        with pytest.raises(backup.Refused, match="the database itself"):
            home.backup(home.database, force=True)

    @pytest.mark.parametrize(("name", "why"), [("", "a folder"), ("none/b.tar", "no folder")])
    def test_a_place_that_is_none_is_refused(
        self, home: Home, tmp_path: Path, name: str, why: str
    ) -> None:
        with pytest.raises(backup.Refused, match=why):
            home.backup(tmp_path / name)

    def test_without_a_database_there_is_nothing_to_back_up(self, home: Home, path: Path) -> None:
        connection.close()
        home.database.unlink()
        with pytest.raises(backup.Refused, match="no database"):
            home.backup(path)
        assert not home.database.exists()

    def test_a_damaged_database_is_not_passed_off_as_a_backup(self, home: Home, path: Path) -> None:
        home.fill(200)
        connection.close()
        with sqlite.alone(home.database, force=True):
            damaged = bytearray(home.database.read_bytes())
        damaged[20 * 4096 :] = bytes(len(damaged) - 20 * 4096)
        home.database.write_bytes(damaged)
        with pytest.raises(Exception, match=r"damaged|malformed|sound"):
            home.backup(path)
        assert list(path.parent.iterdir()) == []

    def test_a_full_disk_leaves_the_last_backup_and_nothing_else(
        self, home: Home, path: Path
    ) -> None:
        home.fill()
        home.backup(path)
        before = path.read_bytes()
        done = home.manage("backup", str(path), "--force", largest=100_000)
        assert done.returncode == 1
        assert done.stderr.startswith(f"CommandError: {path}: ")
        assert done.stderr.endswith("No backup was made.\n")
        assert done.stderr.count("\n") == 1
        assert list(path.parent.iterdir()) == [path]
        assert path.read_bytes() == before


class TestCommand:
    def test_it_says_what_is_in_it(self, home: Home, path: Path) -> None:
        home.fill()
        told = StringIO()
        call_command("backup", str(path), stdout=told)
        assert told.getvalue().startswith(
            "Backed up 1 tasks, 0 sessions, 0 tool calls, 3 cost records, 0 limits and 1 attach"
        )
        assert "read back whole. The secret key is not in it." in told.getvalue()

    def test_it_says_which_files_are_lost(self, home: Home, path: Path) -> None:
        home.fill()
        next(home.attachments.iterdir()).unlink()
        told = StringIO()
        call_command("backup", str(path), stdout=told)
        assert "1 attachments have no file" in told.getvalue()

    def test_a_refusal_names_the_file(self, home: Home, path: Path) -> None:
        path.write_text("precious")
        with pytest.raises(CommandError, match=f"{path}: exists already; --force overwrites it"):
            call_command("backup", str(path))
