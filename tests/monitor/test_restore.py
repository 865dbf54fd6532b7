from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from io import StringIO
from pathlib import Path
from typing import Any

import msgspec
import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection

from costs import audit
from costs.models import CostRecord, UserDay, UserHour
from monitor import backup
from monitor.backup import sqlite
from monitor.models import ApiKey
from tasks.models import Task
from tests.monitor.homes import ROOT, Home, moved_in, part, repacked

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor != "sqlite", reason="of SQLite's file"),
]
KILLED = """
import os, django
django.setup()
from tasks.models import Task
Task.objects.create(id="late")
os._exit(1)
"""


@pytest.fixture
def home(transactional_db: None, tmp_path: Path) -> Iterator[Home]:
    with moved_in(tmp_path / "data") as home:
        home.fill()
        yield home


@pytest.fixture
def path(home: Home, tmp_path: Path) -> Path:
    home.backup(tmp_path / "backup.tar")
    return tmp_path / "backup.tar"


def rename(path: Path, app: str, name: str) -> None:
    """Let the backup tell of another migration, in its database and in what it says of it."""
    copy = path.with_name("copy.db")
    copy.write_bytes(part(path, "database"))
    with closing(sqlite3.connect(copy)) as database:
        database.execute("INSERT INTO django_migrations VALUES (9999, ?, ?, 0)", (app, name))
        database.commit()
    repacked(path, database=copy.read_bytes())
    tell_anew(path)


def tell_anew(path: Path, **changed: Any) -> None:
    """Let about.json fit the parts, as one who wants to deceive would."""
    from hashlib import blake2b

    about = msgspec.json.decode(part(path, "about.json"), type=backup.About)
    about.digests = {
        name: blake2b(part(path, name), digest_size=32).hexdigest() for name in about.digests
    }
    about.counts["django_migrations"] += 1
    told = msgspec.structs.replace(about, **changed)
    repacked(path, about=msgspec.json.encode(told))


class TestRestore:
    def test_it_gives_back_what_was_there(self, home: Home, path: Path) -> None:
        before = home.content()
        home.fill(5, "later")
        for file in home.attachments.iterdir():
            file.unlink()
        restored = home.restore(path, force=True)
        assert home.content() == before
        assert restored.files == 1
        assert restored.migrated == []
        assert restored.wrong == 0

    def test_it_works_where_there_is_no_database_yet(self, home: Home, path: Path) -> None:
        before = home.content()
        connection.close()
        home.database.unlink()
        assert home.restore(path).kept is None
        assert home.content() == before

    def test_a_database_with_records_is_kept_beside_and_only_by_force(
        self, home: Home, path: Path
    ) -> None:
        home.fill(5, "later")
        before = home.content()
        with pytest.raises(backup.Refused, match="holds records; --force"):
            home.restore(path)
        assert home.content() == before
        kept = home.restore(path, force=True).kept
        assert kept
        assert {file.name for file in home.folder.glob("monitor.db*")} <= {
            kept.name,
            "monitor.db",
            "monitor.db-wal",
            "monitor.db-shm",
        }
        with sqlite.connected_to(kept):
            assert home.content() == before

    def test_a_database_without_records_is_replaced_at_once(
        self, home: Home, path: Path, tmp_path: Path
    ) -> None:
        with moved_in(tmp_path / "new") as new:
            Task.objects.all().delete()
            CostRecord.objects.all().delete()
            UserDay.objects.all().delete()
            assert new.restore(path).files == 1

    @pytest.mark.parametrize("force", [False, True])
    def test_one_that_somebody_has_open_is_refused(
        self, home: Home, path: Path, force: bool
    ) -> None:
        before = home.content()
        with closing(sqlite3.connect(home.database)) as reader:
            reader.execute("SELECT count(*) FROM tasks_task").fetchone()
            with pytest.raises(backup.Refused, match=r"in use.*: stop the server"):
                home.restore(path, force=force)
        assert home.content() == before
        home.restore(path, force=True)

    def test_what_a_killed_process_left_beside_the_old_one_is_not_taken_for_the_new_ones(
        self, home: Home, path: Path
    ) -> None:
        before = home.content()
        connection.close()
        settings = {"DATA_DIR": str(home.folder), "DJANGO_SETTINGS_MODULE": "monitor.settings"}
        subprocess.run([sys.executable, "-c", KILLED], cwd=ROOT, env=settings, check=False)
        assert home.database.with_name("monitor.db-wal").stat().st_size
        kept = home.restore(path, force=True).kept
        assert home.content() == before
        assert kept
        with sqlite.connected_to(kept):
            assert Task.objects.filter(id="late").exists()

    def test_an_older_schema_is_brought_up_to_date(self, home: Home, tmp_path: Path) -> None:
        before, path = home.content(), tmp_path / "old.tar"
        call_command("migrate", "monitor", "zero", verbosity=0)
        home.backup(path)
        restored = home.restore(path, force=True)
        assert ("monitor", "0001_api_keys") in restored.migrated
        assert not ApiKey.objects.exists()
        assert home.content() == before

    def test_a_ledger_that_is_wrong_comes_back_and_is_told(
        self, home: Home, tmp_path: Path
    ) -> None:
        UserHour.objects.update(requests=7)
        path = tmp_path / "wrong.tar"
        home.backup(path)
        told = StringIO()
        call_command("restore", str(path), "--force", stdout=told)
        assert "wrong cells; see check_ledger" in told.getvalue()


class TestRefusal:
    """Whatever is wrong, the database and the files are as they were."""

    @pytest.fixture(autouse=True)
    def nothing_changes(self, home: Home, path: Path) -> Iterator[None]:
        home.fill(2, "later")
        content, names = home.content(), home.names()
        yield
        assert home.content() == content
        assert home.names() == names
        assert connection.cursor().execute("PRAGMA journal_mode").fetchone() == ("wal",)

    def refused(self, home: Home, path: Path, why: str) -> None:
        with pytest.raises(backup.Refused, match=why):
            home.restore(path, force=True)

    @pytest.mark.parametrize("share", [0, 0.01, 0.5, 0.9])
    def test_of_a_torn_file(self, home: Home, path: Path, share: float) -> None:
        os.truncate(path, int(path.stat().st_size * share))
        self.refused(home, path, "is torn, or no backup")

    def test_of_a_file_that_is_torn_in_its_last_words(self, home: Home, path: Path) -> None:
        os.truncate(path, path.read_bytes().index(b'"digests"'))
        self.refused(home, path, "is torn, or no backup")

    def test_of_another_file(self, home: Home, path: Path) -> None:
        path.write_text("user,cost\n" * 1000)
        self.refused(home, path, "is torn, or no backup")

    @pytest.mark.parametrize("name", ["database", "attachments/"])
    def test_of_a_changed_part(self, home: Home, path: Path, name: str) -> None:
        for file in home.attachments.iterdir():
            if file.read_bytes() == b"t":
                file.unlink()  # so that it is to be put back
        content = path.read_bytes()
        place = content.index(b"SQLite format 3" if name == "database" else name.encode())
        place += 5_000 if name == "database" else 512
        path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        try:
            self.refused(home, path, f"is damaged: its part {name}")
        finally:
            self.put_back(home, path)

    def put_back(self, home: Home, path: Path) -> None:
        for name in {
            row.file.name for task in Task.objects.all() for row in task.attachments.all()
        }:
            if not (home.attachments / name).exists():
                (home.attachments / name).write_bytes(b"t")

    def test_of_a_part_that_is_missing(self, home: Home, path: Path) -> None:
        repacked(path, database=None)
        self.refused(home, path, "parts of it are missing")

    def test_of_what_is_no_database(self, home: Home, path: Path) -> None:
        repacked(path, database=b"no database at all" * 1000)
        tell_anew(path)
        self.refused(home, path, "holds no sound database")

    def test_of_a_database_of_something_else(self, home: Home, path: Path) -> None:
        other = path.with_name("other.db")
        with closing(sqlite3.connect(other)) as database:
            database.execute("CREATE TABLE django_migrations (app TEXT, name TEXT)")
        repacked(path, database=other.read_bytes())
        tell_anew(path)
        self.refused(home, path, "does not hold a database of the monitor")

    def test_of_a_newer_schema(self, home: Home, path: Path) -> None:
        rename(path, "costs", "9999_from_the_future")
        self.refused(home, path, r"newer schema \(costs 9999_from_the_future\)")

    def test_of_other_rows_than_were_counted(self, home: Home, path: Path) -> None:
        tell_anew(path, counts={"tasks_task": 4})
        self.refused(home, path, "other rows than were counted")

    def test_of_a_backup_of_postgresql(self, home: Home, path: Path) -> None:
        tell_anew(path, kind="postgresql")
        self.refused(home, path, "is of a postgresql database, and DATABASE_URL names sqlite")

    def test_of_another_format(self, home: Home, path: Path) -> None:
        tell_anew(path, format=2)
        self.refused(home, path, "of the format 2, and this version reads 1")

    def test_of_what_it_tells_of_itself_in_other_words(self, home: Home, path: Path) -> None:
        repacked(path, about=b'{"kind": 3}')
        self.refused(home, path, "no backup that this version reads")

    @pytest.mark.parametrize("name", ["attachments/../escaped", "attachments/..", "/tmp/x", "x/y"])
    def test_of_a_file_that_would_lie_elsewhere(self, home: Home, path: Path, name: str) -> None:
        import io
        import tarfile

        with tarfile.open(path, "a") as tar:
            told = tarfile.TarInfo(name)
            told.size = 3
            tar.addfile(told, io.BytesIO(b"bad"))
        about = msgspec.json.decode(part(path, "about.json"), type=backup.About)
        about.digests[name] = ""
        repacked(path, about=msgspec.json.encode(about))
        self.refused(home, path, "outside its folder")

    def test_of_a_schema_that_does_not_migrate(
        self, home: Home, path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def failing() -> None:
            raise DatabaseError("no such\ncolumn")

        monkeypatch.setattr(audit, "check", failing)
        self.refused(home, path, "cannot be brought up to date: no such column")

    def test_when_the_disk_is_full(self, home: Home, path: Path) -> None:
        connection.close()
        done = home.manage("restore", str(path), "--force", largest=100_000)
        assert done.returncode == 1
        assert done.stderr == f"CommandError: {path}: File too large. Nothing was restored.\n"


class TestBrokenDatabase:
    def test_it_is_replaced_by_force_alone_and_kept(self, home: Home, path: Path) -> None:
        before = home.content()
        connection.close()
        home.database.write_bytes(b"no database" * 1000)
        with pytest.raises(backup.Refused, match=r"no sound database .* --force replaces it"):
            home.restore(path)
        kept = home.restore(path, force=True).kept
        assert home.content() == before
        assert kept
        assert kept.read_bytes().startswith(b"no database")


class TestCommand:
    def test_it_says_what_is_back_and_where_the_rest_is(self, home: Home, path: Path) -> None:
        told = StringIO()
        call_command("restore", str(path), "--force", stdout=told)
        first, second, last = told.getvalue().splitlines()
        assert first.startswith("Restored the backup of 20")
        assert first.endswith(" 0 tool calls, 3 cost records, 0 limits and 1 attachments.")
        assert second.startswith(f"The database before it is kept as {home.database}.before-")
        assert last == "The ledger is sound."

    def test_a_torn_file_is_one_line_and_exit_1(self, home: Home, path: Path) -> None:
        os.truncate(path, 50_000)
        done = home.manage("restore", str(path))
        assert done.returncode == 1
        assert done.stdout == ""
        assert done.stderr == (
            f"CommandError: {path}: is torn, or no backup of the monitor. Nothing was restored.\n"
        )

    def test_a_file_that_is_not_there_is_one_line(self, home: Home) -> None:
        with pytest.raises(CommandError, match=r"^/none: No such file or directory\. Nothing"):
            call_command("restore", "/none")
