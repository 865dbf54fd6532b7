"""Several servers on one database, and a PostgreSQL that goes away and comes back."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.db import connection
from django.utils import timezone

from monitor.handler import THREADS
from monitor.models import ApiKey
from monitor.stream import TELL_EVERY
from tests.faults.databases import Databases
from tests.monitor.api.programs import Client, batches, singles
from tests.monitor.api.test_stream import Listener
from tests.monitor.test_serve import address, serving
from tests.monitor.test_settings import manage
from tests.postgres import private_server

NEEDS_POSTGRES = pytest.mark.skipif(connection.vendor == "sqlite", reason="there is no server")


@contextmanager
def served(folder: Path, url: str) -> Iterator[tuple[str, int]]:
    with serving(folder, DATABASE_URL=url) as process:
        yield address(process)
        assert process.poll() is None  # it never needed a restart


@pytest.fixture
def secret(transactional_db: None) -> str:
    key = ApiKey(name="a program", can_read=True, can_write=True, created_at=timezone.now())
    secret = key.give_secret()
    key.save()
    return secret


@contextmanager
def listening(at: tuple[str, int], secret: str) -> Iterator[Listener]:
    bearer = {"Authorization": f"Bearer {secret}"}
    with closing(Listener(f"http://{at[0]}:{at[1]}", "?only=news", **bearer)) as listener:
        listener.message()
        yield listener


class TestTwoServers:
    def test_what_one_records_the_other_tells_within_a_second(
        self, process_settings: dict[str, str], secret: str, tmp_path: Path
    ) -> None:
        url, reports = process_settings["DATABASE_URL"], singles("one")
        with ExitStack() as stack:
            one, other = (stack.enter_context(served(tmp_path / name, url)) for name in "ab")
            listener = stack.enter_context(listening(other, secret))
            client = Client(one, secret)
            seconds, quiet = [], threading.Event()
            for _ in range(3):
                quiet.wait(TELL_EVERY)  # after a message the next one is not due before
                report = next(reports)
                began = time.monotonic()
                assert client.send(report.path, report.body)[0] == 201
                assert listener.message()["event"] == "news"
                seconds.append(time.monotonic() - began)
            client.connection.close()
        assert min(seconds) < 1  # the best of three: the machine may have other work

    def test_both_may_be_the_first(self, databases: Databases, tmp_path: Path) -> None:
        """Each migrates and makes the first administrator, and neither fails."""
        url = databases.url(databases.make())
        with ExitStack() as stack:
            both = [
                stack.enter_context(serving(tmp_path / name, DATABASE_URL=url)) for name in "ab"
            ]
            told = [address(process) for process in both]
            assert len(set(told)) == 2


@NEEDS_POSTGRES
@pytest.mark.django_db
class TestConnections:
    def sessions(self, name: str) -> set[int]:
        """Who is connected to that database, but for this test."""
        with connection.cursor() as cursor:
            cursor.execute("SELECT pid FROM pg_stat_activity WHERE datname = %s", [name])
            return {pid for (pid,) in cursor.fetchall()}

    def test_they_are_kept_and_streams_take_none(
        self, databases: Databases, tmp_path: Path
    ) -> None:
        name = databases.make()
        url = databases.url(name)
        assert manage("migrate", DATABASE_URL=url, DATA_DIR=str(tmp_path)).returncode == 0
        scopes = ("--scopes", "read,write")
        made = manage("create_api_key", "one", *scopes, DATABASE_URL=url, DATA_DIR=str(tmp_path))
        secret = made.stdout.splitlines()[-1]
        with served(tmp_path, url) as at, ExitStack() as streams:
            for _ in range(3 * THREADS):
                streams.enter_context(listening(at, secret))
            before = self.sessions(name)
            assert len(before) <= THREADS + 2  # the poller of the streams, and the house
            client, reports = Client(at, secret), singles("one")
            for _ in range(THREADS):
                report = next(reports)
                assert client.send(report.path, report.body)[0] == 201
            client.connection.close()
            assert len(before & self.sessions(name)) >= 2  # the poller's, and those of requests


@dataclass
class Persistent:
    """A program that says everything again until it is heard."""

    at: tuple[str, int]
    secret: str
    reports: Any
    acknowledged: list[Any] = field(default_factory=list)
    refused: int = 0
    wrong: str = ""
    ended: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        client = Client(self.at, self.secret)
        with closing(client.connection):
            report = next(self.reports)
            while not self.ended.is_set() and not self.wrong:
                status, answer = client.send(report.path, report.body)
                if status in (200, 201):
                    self.acknowledged.append(report)
                    report = next(self.reports)
                elif status == 503 and "Try again" in answer["error"]:
                    self.refused += 1
                else:
                    self.wrong = f"{status} {answer}"


def wait_until(condition: Callable[[], Any], what: str) -> None:
    end = time.monotonic() + 25
    while not condition():
        assert time.monotonic() < end, what
        time.sleep(0.01)


@NEEDS_POSTGRES
@pytest.mark.django_db
class TestRestart:
    @pytest.fixture
    def server(self) -> Any:
        return private_server()

    def test_requests_are_refused_meanwhile_and_nothing_acknowledged_is_lost(
        self, server: Any, tmp_path: Path
    ) -> None:
        url = server.get_uri()
        where = {"DATABASE_URL": url, "DATA_DIR": str(tmp_path)}
        assert manage("migrate", **where).returncode == 0
        made = manage("create_api_key", "one", "--scopes", "read,write", **where)
        secret = made.stdout.splitlines()[-1]
        with served(tmp_path, url) as at, listening(at, secret) as listener:
            kinds = (singles, singles, batches, batches)
            programs = [Persistent(at, secret, kind(f"p{n}")) for n, kind in enumerate(kinds)]
            threads = [threading.Thread(target=program.run) for program in programs]
            for thread in threads:
                thread.start()
            try:
                self.restart(server, programs)
            finally:
                for program in programs:
                    program.ended.set()
                for thread in threads:
                    thread.join(30)
            assert listener.message()["event"] == "news"
        assert [program.wrong for program in programs if program.wrong] == []
        told = [key for each in programs for report in each.acknowledged for key in report.nanos]
        with psycopg.connect(url) as database:
            found = database.execute("SELECT source_id FROM costs_costrecord").fetchall()
        kept = [key for (key,) in found]
        assert len(kept) == len(set(kept))
        assert set(told) <= set(kept)
        assert manage("check_ledger", **where).returncode == 0

    def test_nobody_notices_one_during_which_nobody_asked(
        self, server: Any, tmp_path: Path
    ) -> None:
        """The connection that was kept is looked at before the next request relies on it."""
        url, reports = server.get_uri(), singles("one")
        where = {"DATABASE_URL": url, "DATA_DIR": str(tmp_path)}
        assert manage("migrate", **where).returncode == 0
        made = manage("create_api_key", "one", "--scopes", "read,write", **where)
        with served(tmp_path, url) as at:
            client = Client(at, made.stdout.splitlines()[-1])
            with closing(client.connection):
                for _ in range(2):
                    report = next(reports)
                    assert client.send(report.path, report.body)[0] == 201
                    server.stop()
                    server.ensure_postgres_running()

    def restart(self, server: Any, programs: list[Persistent]) -> None:
        self.wait_for_more(programs)
        server.stop()
        wait_until(lambda: all(program.refused for program in programs), "nobody was refused")
        server.ensure_postgres_running()
        self.wait_for_more(programs)

    def wait_for_more(self, programs: list[Persistent]) -> None:
        before = [len(program.acknowledged) for program in programs]
        wait_until(
            lambda: all(
                program.wrong or len(program.acknowledged) > count + 5
                for program, count in zip(programs, before, strict=True)
            ),
            "nobody was heard",
        )
