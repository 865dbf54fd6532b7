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
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest
import uvicorn
from django.contrib.auth.models import User

from monitor.management.commands import serve
from tests.monitor.test_settings import ROOT, manage

LOCAL = {"PATH": os.environ["PATH"], "PYTHONUNBUFFERED": "1"}


@contextmanager
def serving(data: Path, *arguments: str, **variables: str) -> Iterator[subprocess.Popen[str]]:
    """The server as people start it, on a free port and a data folder of its own."""
    process = subprocess.Popen(
        [sys.executable, "manage.py", "serve", "--port", "0", *arguments],
        cwd=ROOT,
        env=LOCAL | {"DATA_DIR": str(data)} | variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
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
    def test_from_nothing_to_a_sign_in_and_back(self, tmp_path: Path) -> None:
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
            assert process.stderr
            assert process.stderr.read() == ""

    def test_the_second_start_tells_no_password(self, tmp_path: Path) -> None:
        told = []
        for _ in range(2):
            with serving(tmp_path) as process:
                get(*address(process), "/login/")
                process.send_signal(signal.SIGINT)
                assert process.stdout
                told.append(process.stdout.read())
        assert "password" in told[0]
        assert told[1] == "Stopped.\n"

    def test_a_start_with_nothing_to_do_is_quick(self, tmp_path: Path) -> None:
        seconds = []
        for _ in range(4):
            began = time.monotonic()
            with serving(tmp_path) as process:
                get(*address(process), "/login/")
                seconds.append(time.monotonic() - began)
        assert min(seconds[1:]) < 2  # the best of three: the machine may have other work

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
            "CommandError: The database could not be migrated: file is not a database\n"
        )

    def test_it_takes_the_database_as_it_is_where_told(self, tmp_path: Path) -> None:
        done = manage("serve", "--port", "0", "--no-migrate", DATA_DIR=str(tmp_path))
        assert done.returncode == 1
        assert done.stderr.splitlines() == [
            "CommandError: The database is not ready: no such table: auth_user. "
            "Start without --no-migrate."
        ]

    def test_a_host_that_nobody_may_name_is_warned_of(self, tmp_path: Path) -> None:
        with serving(tmp_path, "--host", "0.0.0.0") as process:
            address(process)
            assert process.stderr
            assert "ALLOWED_HOSTS admits this machine only" in process.stderr.readline()

    def test_a_changed_file_restarts_it(self, tmp_path: Path) -> None:
        with serving(tmp_path, "--reload", DEBUG="1") as process:
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


class TestSealing:
    def run(self, monkeypatch: pytest.MonkeyPatch, rounds: int) -> list[int]:
        """The calls to seal until `rounds` were made and the server ended."""
        calls: list[int] = []
        done = threading.Event()

        def seal() -> None:
            calls.append(len(calls))
            if len(calls) >= rounds:
                done.set()
            raise sqlite3.OperationalError("database is locked")

        monkeypatch.setattr(serve.ledger, "seal", seal)
        monkeypatch.setattr(serve, "SEAL_EVERY", 0.001)
        server = serve.Server(uvicorn.Config("none"))
        assert done.wait(5)
        server.ended.set()
        for thread in threading.enumerate():
            if thread.name == "seal":
                thread.join(5)
                assert not thread.is_alive()
        return calls

    @pytest.mark.django_db(transaction=True)
    def test_a_failure_is_logged_and_does_not_end_it(
        self, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        assert len(self.run(monkeypatch, rounds=3)) >= 3
        assert "The ledger could not be sealed" in caplog.text


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
