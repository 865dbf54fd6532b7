"""A SQLite file that cannot be used: a line that says what to do, or 503; and then it goes on."""

from __future__ import annotations

import ctypes
import http.client
import os
import resource
import sqlite3
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from django.db import connection

from tests.monitor.api.programs import Client, usage
from tests.monitor.test_serve import address, get, serving
from tests.monitor.test_settings import manage

pytestmark = [
    pytest.mark.skipif(connection.vendor != "sqlite", reason="the database is a file"),
    pytest.mark.django_db,
]
PR_CAPBSET_DROP, CAP_DAC_OVERRIDE = 24, 1  # of Linux
COMMANDS = [["serve", "--port", "0"], ["migrate"], ["prune_costs"], ["check_ledger"]]
WRITING = [["serve", "--port", "0"], ["prune_costs"], ["create_api_key", "one", "--scopes", "read"]]


@pytest.fixture
def data(migrated_data: Path) -> Path:
    return migrated_data


def refusal(data: Path, *command: str, **variables: str) -> str:
    """The one line of a command that fails."""
    done = manage(*command, DATA_DIR=str(data), **variables)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    return line


def obey_modes() -> None:
    """Let no program that this thread starts write to a file whose mode forbids it.

    Root's may, by a capability that they get only within the bounds of the thread. There is no
    way back: it is for a thread of the test's own.
    """
    if os.geteuid() == 0:
        assert ctypes.CDLL(None).prctl(PR_CAPBSET_DROP, CAP_DAC_OVERRIDE, 0, 0, 0) == 0


class TestCommands:
    @pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
    def test_a_folder_that_is_missing(self, tmp_path: Path, command: list[str]) -> None:
        url = f"sqlite:///{tmp_path}/no/such.db"
        assert "unable to open database file" in refusal(tmp_path, *command, DATABASE_URL=url)

    @pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
    def test_a_file_that_is_no_database(self, tmp_path: Path, command: list[str]) -> None:
        (tmp_path / "monitor.db").write_text("these are notes" * 100)
        assert "file is not a database" in refusal(tmp_path, *command)

    @pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
    def test_one_of_a_newer_version(self, data: Path, command: list[str]) -> None:
        with closing(sqlite3.connect(data / "monitor.db")) as database:
            database.execute(
                "INSERT INTO django_migrations (app, name, applied)"
                " VALUES ('costs', '0999_of_tomorrow', '2030-01-01 00:00:00')"
            )
            database.commit()
        assert refusal(data, *command) == (
            "CommandError: The database belongs to a newer Agent Monitor: costs.0999_of_tomorrow is"
            " not known here. Install that version, or restore a backup from before it."
        )

    def test_the_line_says_what_to_do(self, tmp_path: Path) -> None:
        url = f"sqlite:///{tmp_path}/no/such.db"
        line = refusal(tmp_path, "serve", "--port", "0", DATABASE_URL=url)
        assert line.endswith("Its folder must exist, and be yours to write in.")

    @pytest.mark.parametrize("command", WRITING, ids=lambda command: command[0])
    def test_a_file_that_may_not_be_written_to(self, data: Path, command: list[str]) -> None:
        (data / "monitor.db").chmod(0o400)
        with ThreadPoolExecutor(1, initializer=obey_modes) as thread:
            line = thread.submit(refusal, data, *command).result()
        assert "readonly database" in line
        assert line.endswith("Give the file and its folder to the user who runs this.")


@pytest.fixture
def server(data: Path) -> Iterator[Any]:
    with serving(data) as process:
        process.at = address(process)  # type: ignore[attr-defined]
        yield process


@pytest.fixture
def client(data: Path, server: Any) -> Iterator[Client]:
    made = manage("create_api_key", "a program", "--scopes", "read,write", DATA_DIR=str(data))
    client = Client(server.at, made.stdout.splitlines()[-1])
    with closing(client.connection):
        yield client


def bot(path: Path, count: int) -> str:
    """A usage.json with so many records."""
    records = ",".join(
        '{"timestamp": "2025-01-01T00:00:00", "model": "m", "input_tokens": 1,'
        ' "output_tokens": 1, "cost": 0.5, "request_type": "chat"}'
        for _ in range(count)
    )
    totals = f'"total_requests": {count}, "total_cost": {count / 2}'
    path.write_text(f'{{"1": {{{totals}, "records": [{records}]}}}}')
    return str(path)


@contextmanager
def short_files(size: int) -> Iterator[None]:
    """Let no file grow beyond so many bytes, here and in what is started here.

    Nor may modules be compiled to files: Python 3.11 keeps what found room of one, and fails on it
    in every process after this one.
    """
    soft, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    with (
        mock.patch.object(sys, "dont_write_bytecode", True),
        mock.patch.dict(os.environ, PYTHONDONTWRITEBYTECODE="1"),
    ):
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, most))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, most))


@contextmanager
def held(data: Path) -> Iterator[None]:
    """Let the files beside that of the database stay, and so need no room anew."""
    with closing(sqlite3.connect(data / "monitor.db")) as database:
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("SELECT count(*) FROM costs_costrecord").fetchone()
        yield


def kept(data: Path) -> list[str]:
    with closing(sqlite3.connect(data / "monitor.db")) as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        found = database.execute("SELECT source_id FROM costs_costrecord")
        return sorted(key or "" for (key,) in found)


def page(at: tuple[str, int], path: str) -> tuple[int, str | None, str]:
    with closing(http.client.HTTPConnection(*at, timeout=20)) as asking:
        asking.request("GET", path, headers={"Cookie": "sessionid=somebody"})
        answer = asking.getresponse()
        return answer.status, answer.headers["Retry-After"], answer.read().decode()


class TestRequests:
    def test_a_full_disk_refuses_what_it_cannot_hold_and_goes_on_when_there_is_room(
        self, data: Path, server: Any, client: Client
    ) -> None:
        _, most = resource.prlimit(server.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (300_000, most))
        acknowledged, number = [], 0
        while True:
            keys = ["", *(f"k{number}-{place}" for place in range(99))]
            # Two statements: the first, of a single record, would find the room for itself.
            body = {"records": [usage(key, 2) for key in keys]}
            body["records"][0].pop("source_id")
            status, answer = client.send("/api/usage/batch", body)
            if status != 200:
                break
            acknowledged += keys
            number += 1
        assert number
        assert status == 503
        assert "nothing was stored. Try again." in answer["error"]
        assert client.send("/api/usage/batch", body)[0] == 503
        assert kept(data) == sorted(acknowledged)
        resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (most, most))
        assert client.send("/api/usage/batch", body)[0] == 200
        assert kept(data) == sorted(acknowledged + keys)

    def test_a_command_on_a_full_disk_says_so_in_one_line(self, data: Path) -> None:
        path = bot(data / "bot.json", 1_000)
        with held(data), short_files(100_000):
            line = refusal(data, "import_usage", path, "--no-backup")
        assert line.endswith(("See whether its disk is full or faulty.", "Make room on its disk."))
        assert kept(data) == []
        assert manage("import_usage", path, "--no-backup", DATA_DIR=str(data)).returncode == 0
        assert len(kept(data)) == 1_000

    def test_an_import_that_the_disk_just_holds_stands_and_says_what_is_still_to_do(
        self, data: Path
    ) -> None:
        """Its records are committed before their sums are rolled up, which takes more room."""
        path = bot(data / "bot.json", 1_000)
        command = ("import_usage", path, "--no-backup")
        for room in range(100_000, 1_000_000, 10_000):
            with held(data), short_files(room):
                done = manage(*command, DATA_DIR=str(data))
            if done.returncode == 0:
                break
            assert kept(data) == []
        assert "Not rolled up yet, so figures are right but slower" in done.stdout
        assert len(kept(data)) == 1_000
        done = manage(*command, DATA_DIR=str(data))
        assert (done.returncode, len(kept(data))) == (0, 1_000)
        assert "Not rolled up" not in done.stdout
        assert manage("check_ledger", DATA_DIR=str(data)).returncode == 0

    @pytest.mark.parametrize("count", [50, 5_000])
    def test_so_does_one_that_is_full_before_anything_is_stored(
        self, data: Path, count: int
    ) -> None:
        """Few records are written to its disk when all are read, and many meanwhile."""
        path = bot(data / "bot.json", count)
        with held(data), short_files(1_000):
            line = refusal(data, "import_usage", path, "--no-backup")
        assert line == f"CommandError: {path}: {data}: File too large. Nothing was imported."
        assert kept(data) == []

    def test_a_locked_file_keeps_writers_waiting_for_seconds_and_readers_not_at_all(
        self, data: Path, server: Any, client: Client
    ) -> None:
        with closing(sqlite3.connect(data / "monitor.db", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            client.connection.timeout = 15  # a command would wait for twenty seconds
            status, answer = client.send("/api/usage", usage("k", 1))
            assert status == 503
            assert "busy" in answer["error"]
            assert get(*server.at, "/health")[0] == 200
            other.rollback()
        assert client.send("/api/usage", usage("k", 1))[0] == 201

    @pytest.mark.parametrize("what", ["nothing", "no database", "a folder"])
    def test_a_file_that_is_lost_is_503_on_pages_and_routes(
        self, data: Path, server: Any, client: Client, what: str
    ) -> None:
        assert client.send("/api/usage", usage("k", 1))[0] == 201
        file, away = data / "monitor.db", data / "away.db"
        with closing(sqlite3.connect(file)) as database:
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        file.rename(away)
        if what == "a folder":
            file.mkdir()
        if what == "no database":
            (data / "notes").write_text("these are notes" * 1_000)
            (data / "notes").rename(file)
        status, answer = client.send("/api/usage", usage("k2", 1))
        assert status == 503
        assert "Try again" in answer["error"]
        for path in ("/", "/tasks/t/"):
            status, retry, html = page(server.at, path)
            assert (status, retry) == (503, "1")
            assert "The database is busy or lost" in html
        assert get(*server.at, "/health")[0] == 503
        for rest in data.glob("monitor.db*"):
            rest.rmdir() if rest.is_dir() else rest.unlink()
        away.rename(file)
        assert client.send("/api/usage", usage("k2", 1))[0] == 201
        assert kept(data) == ["k", "k2"]
