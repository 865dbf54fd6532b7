import http.client
import os
import re
import select
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from django.contrib.auth.models import User
from django.utils import timezone
from model_bakery import baker

from costs.ledger import record_usage
from costs.models import LedgerState
from monitor.management.commands import serve
from tasks.models import Task
from tests.monitor.test_settings import ROOT, manage

LOCAL = {"PATH": os.environ["PATH"], "PYTHONUNBUFFERED": "1"}


@contextmanager
def serving(data: Path, *arguments: str, **variables: str) -> Iterator[subprocess.Popen[str]]:
    """The server as people start it, on a free port and a data folder of its own.

    Its log is the test's own stderr: in a pipe that nobody empties some hundred lines would stop
    it, each thread in turn.
    """
    process = subprocess.Popen(
        [sys.executable, "manage.py", "serve", "--port", "0", *arguments],
        cwd=ROOT,
        env=LOCAL | {"DATA_DIR": str(data)} | variables,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )

    def end() -> None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # the child of --reload too

    watchdog = threading.Timer(30, end)  # so that no test waits for ever for a line
    watchdog.start()
    try:
        yield process
    finally:
        watchdog.cancel()
        end()
        process.communicate()


def address(process: subprocess.Popen[str]) -> tuple[str, int]:
    assert process.stdout
    found = re.search(r"http://([^/]+):(\d+)/", process.stdout.readline())
    assert found
    return found[1], int(found[2])


def get(host: str, port: int, path: str) -> tuple[int, http.client.HTTPMessage, str]:
    """The answer, waited for: the address is told a moment before the first answer."""
    for _ in range(200):
        connection = http.client.HTTPConnection(host, port, timeout=10)
        with suppress(ConnectionRefusedError), closing(connection):
            connection.request("GET", path)
            response = connection.getresponse()
            return response.status, response.headers, response.read().decode()
        time.sleep(0.05)
    raise TimeoutError(path)


class TestServe:
    def test_from_nothing_to_a_sign_in_and_back(
        self, tmp_path: Path, capfd: pytest.CaptureFixture[str]
    ) -> None:
        with serving(tmp_path) as process:
            host, port = address(process)
            assert process.stdout
            told = process.stdout.readline()
            password = re.search(r"as admin with the password (\S+) ", told)
            assert password
            assert "/password/" in told
            assert "changepassword admin" in told

            status, headers, html = get(host, port, "/login/")
            assert status == 200
            assert headers["Server"] is None
            sheet = re.search(r'href="(/static/css/tokens\.[0-9a-f]+\.css)"', html)
            assert sheet
            assert "immutable" in get(host, port, sheet[1])[1]["Cache-Control"]

            process.send_signal(signal.SIGTERM)
            began = time.monotonic()
            process.wait(5)
            assert time.monotonic() - began < 1
            assert capfd.readouterr().err == ""

    def test_the_second_start_tells_no_password(self, migrated_data: Path) -> None:
        told = []
        for _ in range(2):
            with serving(migrated_data) as process:
                get(*address(process), "/login/")
                process.send_signal(signal.SIGINT)
                assert process.stdout
                told.append(process.stdout.read())
        assert "password" in told[0]
        assert told[1] == "Stopped.\n"

    def test_a_port_in_use_is_one_line(self, tmp_path: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            done = manage("serve", "--port", str(port), DATA_DIR=str(tmp_path))
        assert done.returncode == 1
        assert done.stderr.splitlines() == [
            f"CommandError: Cannot listen on 127.0.0.1 port {port}: "
            f"[Errno 98] Address already in use (while attempting to bind on address "
            f"('127.0.0.1', {port}))."
        ]
        assert not (tmp_path / "monitor.db").exists()

    @pytest.mark.parametrize(
        "arguments",
        [["--host", "no.such.host.invalid"], ["--host", "203.0.113.7"], ["--port", "99999"]],
    )
    def test_an_address_that_cannot_be_is_one_line(
        self, tmp_path: Path, arguments: list[str]
    ) -> None:
        done = manage("serve", *arguments, DATA_DIR=str(tmp_path))
        assert done.returncode == 1
        assert done.stderr.startswith("CommandError: Cannot listen on ")
        assert len(done.stderr.splitlines()) == 1

    def test_a_database_that_cannot_be_migrated_is_one_line(self, tmp_path: Path) -> None:
        (tmp_path / "monitor.db").write_text("this is no database" * 100)
        done = manage("serve", "--port", "0", DATA_DIR=str(tmp_path))
        assert done.returncode == 1
        assert done.stderr == (
            "CommandError: The database could not be migrated: file is not a database. "
            "Restore a backup, or move the file away to begin anew.\n"
        )

    def test_it_takes_the_database_as_it_is_where_told(self, tmp_path: Path) -> None:
        done = manage("serve", "--port", "0", "--no-migrate", DATA_DIR=str(tmp_path))
        assert done.returncode == 1
        assert done.stderr.splitlines() == [
            "CommandError: The database is not ready: no such table: auth_user. "
            "Start without --no-migrate."
        ]

    def test_a_host_that_nobody_may_name_is_warned_of(
        self, migrated_data: Path, capfd: pytest.CaptureFixture[str]
    ) -> None:
        with serving(migrated_data, "--host", "0.0.0.0") as process:
            get(*address(process), "/login/")
        assert "ALLOWED_HOSTS admits this machine only" in capfd.readouterr().err

    def test_a_changed_file_restarts_it(self, migrated_data: Path) -> None:
        with serving(migrated_data, "--reload", DEBUG="1") as process:
            host, port = address(process)
            assert get(host, port, "/login/")[0] == 200
            assert process.stdout
            assert "password" in process.stdout.readline()
            # Its first look at the files may come after the first touch: so touch on.
            while not select.select([process.stdout], [], [], 0.5)[0]:
                (ROOT / "monitor" / "asgi.py").touch()
            assert "http://" in process.stdout.readline()


@pytest.mark.django_db
class TestFirstAdministrator:
    def test_it_is_made_once_with_a_password_that_works(self) -> None:
        password = serve.first_administrator()
        admin = User.objects.get()
        assert admin.username == "admin"
        assert admin.is_superuser
        assert password
        assert admin.check_password(password)
        assert serve.first_administrator() is None

    def test_no_one_is_made_beside_another_user(self) -> None:
        User.objects.create_user("somebody")
        assert serve.first_administrator() is None
        assert User.objects.count() == 1


class TestListen:
    def test_what_is_sent_leaves_at_once(self) -> None:
        with serve.listen("127.0.0.1", 0) as listener:
            with socket.create_connection(listener.getsockname()):
                accepted, _ = listener.accept()
            with accepted:
                assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


class TestHousekeeping:
    @pytest.fixture
    def server(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[serve.Server]:
        """A server whose thread has nothing to do: the test itself keeps house."""
        monkeypatch.setattr(serve.Server, "keep_house", lambda server, *chores: None)
        server = serve.Server(uvicorn.Config("none"))
        yield server
        server.ended.set()

    @pytest.fixture
    def keep_house(self, monkeypatch: pytest.MonkeyPatch, server: serve.Server) -> Any:
        """Keeps house for so many seconds, without waiting for them."""
        monkeypatch.undo()
        clock = 1_000.0
        monkeypatch.setattr(serve.time, "monotonic", lambda: clock)

        def keep_house(seconds: float, *chores: serve.Chore) -> None:
            end = clock + seconds

            def wait(seconds: float) -> bool:
                nonlocal clock
                clock += max(seconds, 0)
                return clock > end

            monkeypatch.setattr(server.ended, "wait", wait)
            server.keep_house(*chores)

        return keep_house

    def chore(self, deed: str, every: float, done: list[str], *, fails: bool = False) -> Any:
        def do() -> None:
            done.append(deed)
            if fails:
                raise sqlite3.OperationalError("database is locked")

        return serve.Chore(deed, every, do)

    @pytest.mark.django_db(transaction=True)
    def test_each_chore_is_done_at_once_and_then_at_its_own_pace(self, keep_house: Any) -> None:
        done: list[str] = []
        keep_house(600, self.chore("sweep", 60, done), self.chore("dust", 300, done))
        assert done[:2] == ["sweep", "dust"]
        assert (done.count("sweep"), done.count("dust")) == (11, 3)

    @pytest.mark.django_db(transaction=True)
    def test_a_failure_is_logged_and_stops_neither_the_other_nor_the_next_time(
        self, keep_house: Any, caplog: pytest.LogCaptureFixture
    ) -> None:
        done: list[str] = []
        keep_house(60, self.chore("sweep", 60, done, fails=True), self.chore("dust", 60, done))
        assert done == ["sweep", "dust"] * 2
        assert "Could not sweep; next try in 60 s" in caplog.text
        assert "database is locked" in caplog.text

    @pytest.mark.django_db(transaction=True)
    def test_each_round_closes_its_connection(
        self, keep_house: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        closed: list[str] = []
        monkeypatch.setattr(serve.connection, "close", lambda: closed.append("closed"))
        keep_house(120, self.chore("sweep", 60, []))
        assert len(closed) == 3

    @pytest.mark.django_db(transaction=True)
    def test_the_server_seals_the_ledger_and_fails_stale_tasks_until_it_ends(self) -> None:
        hour = timezone.now() - timedelta(hours=1)
        record_usage(user_id="a", model="b", input_tokens=1, output_tokens=1, timestamp=hour)
        dead = {"pid": 2**31 - 1, "host": socket.gethostname(), "updated_at": hour}
        baker.make(Task, id="dead", status="running", **dead)
        baker.make(Task, id="silent", status="running", updated_at=hour)
        server = serve.Server(uvicorn.Config("none"))
        wait_until(lambda: LedgerState.objects.exists())
        server.ended.set()
        (thread,) = (thread for thread in threading.enumerate() if thread.name == "house")
        thread.join(5)
        assert not thread.is_alive()
        # Of the silent one nothing could be heard before there was a server.
        assert {row.id: row.status for row in Task.objects.all()} == {
            "dead": "failed",
            "silent": "running",
        }


def wait_until(condition: Callable[[], bool]) -> None:
    """Look again and again at what another thread does to the database, which tells nobody."""
    patience = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < patience, "it did not happen"
        time.sleep(0.01)


class TestCollectStatic:
    def test_unchanged_files_have_one_state_and_a_change_another(self, tmp_path: Path) -> None:
        before = serve.static_state()
        assert serve.static_state() == before
        os.utime(ROOT / "static" / "favicon.svg")
        assert serve.static_state() != before


class TestLoopback:
    @pytest.mark.parametrize(
        ("host", "answer"),
        [
            ("127.0.0.1", True),
            ("::1", True),
            ("localhost", True),
            ("0.0.0.0", False),
            ("monitor.example.org", False),
        ],
    )
    def test_it_knows_this_machine(self, host: str, answer: bool) -> None:
        assert serve.is_loopback(host) is answer
