"""What is acknowledged is kept: through kills, requests to stop, and databases that go away."""

from __future__ import annotations

import http.client
import itertools
import json
import random
import signal
import socket
import sqlite3
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone

from costs import audit, ledger, windows
from costs.models import CostRecord
from costs.totals import Spend
from monitor.models import ApiKey
from sessions.models import ToolCall
from tasks.models import Task
from tests.monitor.test_serve import address, serving
from tests.monitor.test_settings import manage

NANO = Decimal("1e-9")
KILLS = 3
CALLS_A_REPORT = 10

Address = tuple[str, int]
Serve = Callable[[], AbstractContextManager[subprocess.Popen[str]]]


@pytest.fixture
def secret(transactional_db: None) -> str:
    key = ApiKey(name="a program", can_read=True, can_write=True, created_at=timezone.now())
    secret = key.give_secret()
    key.save()
    return secret


@pytest.fixture
def serve(tmp_path: Path, process_settings: dict[str, str]) -> Serve:
    """Starts the server, in a process of its own, on the database of the test."""
    return lambda: serving(tmp_path, DATABASE_URL=process_settings["DATABASE_URL"])


class Client:
    """One connection of a program to the API."""

    def __init__(self, at: Address, secret: str) -> None:
        self.connection = http.client.HTTPConnection(*at, timeout=30)
        self.headers = {
            "Authorization": f"Bearer {secret}",
            "Content-Type": "application/json",
        }

    def send(self, path: str, body: Any) -> tuple[int, Any]:
        self.connection.request("POST", path, json.dumps(body), self.headers)
        answer = self.connection.getresponse()
        return answer.status, json.loads(answer.read())


@dataclass
class Report:
    """One request, which may be repeated, and what it brings into the database."""

    path: str
    body: Any
    nanos: dict[str, int] = field(default_factory=dict)  # of the cost records, by key
    calls: list[str] = field(default_factory=list)
    tasks: list[str] = field(default_factory=list)


def usage(key: str, nano: int, **fields: Any) -> dict[str, Any]:
    """A request of so many nano-dollars; every other one is late, and so goes to the rollups."""
    late = timezone.now() - timedelta(hours=5 * (nano % 2))
    tokens = {"input_tokens": 1, "output_tokens": 1}
    told = {"user_id": "ann", "model": "haiku", "source_id": key, "timestamp": late.isoformat()}
    return told | tokens | {"cost": str(nano * NANO)} | fields


def singles(name: str) -> Iterator[Report]:
    for number in itertools.count(1):
        key = f"{name}-{number}"
        yield Report("/api/usage", usage(key, number), {key: number})


def batches(name: str) -> Iterator[Report]:
    for number in itertools.count():
        nanos = {f"{name}-{number}-{place}": number + place for place in range(20)}
        records = [usage(key, nano) for key, nano in nanos.items()]
        yield Report("/api/usage/batch", {"records": records}, nanos)


def calls(name: str) -> Iterator[Report]:
    for number in itertools.count():
        ids = [f"{name}-{number}-{place}" for place in range(CALLS_A_REPORT)]
        told = {"session_key": name, "tool_name": "Read", "at": timezone.now().isoformat()}
        events = [told | {"event": "tool_started", "tool_use_id": id_} for id_ in ids]
        yield Report("/api/tool-calls", {"events": events}, calls=ids)


def tasks(name: str) -> Iterator[Report]:
    for number in itertools.count():
        task_id = f"{name}-{number}"
        body = {"task_id": task_id, "description": "Sweep", "status": "running"}
        yield Report("/api/tasks", body, tasks=[task_id])


class Program:
    """Reports one thing after another; what was not acknowledged comes first the next time."""

    def __init__(self, secret: str, reports: Iterator[Report]) -> None:
        self.secret, self.reports = secret, reports
        self.next = next(reports)
        self.acknowledged: list[Report] = []
        self.fault = ""

    def run(self, at: Address, heard: threading.Semaphore) -> None:
        """Until the server is gone."""
        client = Client(at, self.secret)
        with closing(client.connection), suppress(OSError, http.client.HTTPException):
            while not self.fault:
                self.report(client)
                heard.release()

    def report(self, client: Client) -> None:
        status, answer = client.send(self.next.path, self.next.body)
        if status not in (200, 201) or answer.get("rejected"):
            self.fault = f"{status} {answer}"
            return
        self.acknowledged.append(self.next)
        self.next = next(self.reports)


class TestKilled:
    """kill -9 under load, again and again."""

    @pytest.fixture
    def programs(self, secret: str) -> list[Program]:
        kinds = (singles, singles, batches, batches, calls, tasks)
        return [Program(secret, kind(f"{kind.__name__}-{n}")) for n, kind in enumerate(kinds)]

    def run_until_killed(self, serve: Serve, programs: list[Program]) -> None:
        heard = threading.Semaphore(0)
        with serve() as process:
            at = address(process)
            threads = [
                threading.Thread(target=program.run, args=[at, heard]) for program in programs
            ]
            for thread in threads:
                thread.start()
            for _ in range(random.randint(30, 150)):
                assert heard.acquire(timeout=20), [program.fault for program in programs]
            process.kill()
            for thread in threads:
                thread.join(20)
        assert [program.fault for program in programs if program.fault] == []

    def repeat(self, serve: Serve, programs: list[Program]) -> None:
        """Each program repeats what it does not know to be stored, and its last word too."""
        with serve() as process:
            at = address(process)
            for program in programs:
                client = Client(at, program.secret)
                with closing(client.connection):
                    for report in (program.acknowledged[-1], program.next):
                        assert client.send(report.path, report.body)[0] in (200, 201)
                program.acknowledged.append(program.next)

    def test_all_that_was_acknowledged_is_there_exactly_once(
        self, serve: Serve, programs: list[Program]
    ) -> None:
        ledger.seal(timezone.now() - timedelta(hours=1))
        for _ in range(KILLS):
            self.run_until_killed(serve, programs)
        self.repeat(serve, programs)
        reports = [report for program in programs for report in program.acknowledged]
        nanos = {key: nano for report in reports for key, nano in report.nanos.items()}
        kept = CostRecord.objects.values_list("source_id", "cost_nano")
        assert sorted(kept) == sorted(nanos.items())
        everything = windows.spend(windows.EPOCH, windows.FOREVER)
        assert everything == Spend(len(nanos), sum(nanos.values()))
        assert [check for check in audit.check() if check.wrong] == []
        for model, name, field_name in ((ToolCall, "calls", "tool_use_id"), (Task, "tasks", "id")):
            told = [id_ for report in reports for id_ in getattr(report, name)]
            found = model.objects.values_list(field_name, flat=True)
            assert sorted(found) == sorted(set(told)) == sorted(told)


class HalfSent:
    """A request of which the server has taken the headers and waits for the body."""

    def __init__(self, at: Address, secret: str, body: bytes) -> None:
        self.body = body
        self.socket = socket.create_connection(at, timeout=10)
        self.socket.sendall(
            b"POST /api/usage HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\n"
            b"Content-Type: application/json\r\nAuthorization: Bearer %s\r\n"
            b"Content-Length: %d\r\n\r\n" % (secret.encode(), len(body))
        )
        self.stream = self.socket.makefile("rb")
        assert b" 100 " in self.stream.readline()
        self.stream.readline()

    def finish(self) -> int:
        """Send the body; the status of the answer."""
        self.socket.sendall(self.body)
        return int(self.stream.readline().split()[1])

    def close(self) -> None:
        self.stream.close()
        self.socket.close()


class TestStopped:
    def test_requests_in_flight_are_answered_and_the_end_comes_within_a_second(
        self, serve: Serve, secret: str
    ) -> None:
        with serve() as process:
            at = address(process)
            listener = Client(at, secret)
            listener.connection.request("GET", "/api/stream/metrics", headers=listener.headers)
            stream = listener.connection.getresponse()
            assert stream.readline()
            bodies = [json.dumps(usage(f"k{n}", n)).encode() for n in range(5)]
            halves = [HalfSent(at, secret, body) for body in bodies]
            began = time.monotonic()
            process.send_signal(signal.SIGTERM)
            stream.read()  # its end shows that the server ends
            assert [half.finish() for half in halves] == [201] * 5
            process.wait(5)
            assert time.monotonic() - began < 1
            assert process.stderr
            assert process.stderr.read() == ""
            for end in (*halves, stream, listener.connection):
                end.close()
        assert CostRecord.objects.count() == 5


@pytest.mark.skipif(connection.vendor != "sqlite", reason="another writer keeps nobody waiting")
@pytest.mark.django_db(transaction=True)
class TestLocked:
    """Another process writes, and does not come to an end."""

    REQUESTS = [
        ("post", "/api/usage", usage("k", 1)),
        ("post", "/api/usage/batch", {"records": [usage(f"b{n}", n) for n in range(1, 4)]}),
        ("put", "/api/limits/ann", {"daily": 1}),
        ("post", "/api/tasks", {"task_id": "t", "description": "Sweep"}),
        (
            "post",
            "/api/tool-calls",
            {
                "events": [
                    {
                        "event": "tool_started",
                        "session_key": "s",
                        "tool_use_id": "u",
                        "tool_name": "Read",
                    }
                ]
            },
        ),
    ]

    @pytest.fixture
    def impatient(self, agent: Any) -> Any:
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA busy_timeout=20")
            yield agent
            cursor.execute("PRAGMA busy_timeout=20000")

    @pytest.fixture
    def lock(self) -> Iterator[Any]:
        with closing(sqlite3.connect(connection.settings_dict["NAME"])) as other:
            other.isolation_level = None
            other.execute("BEGIN IMMEDIATE")
            yield other

    @pytest.mark.parametrize(("method", "path", "body"), REQUESTS)
    def test_it_says_so_stores_nothing_and_works_again_afterwards(
        self, impatient: Any, lock: Any, method: str, path: str, body: Any
    ) -> None:
        def send() -> Any:
            return getattr(impatient, method)(path, body, content_type="application/json")

        refused = send()
        assert refused.status_code == 503
        assert int(refused.headers["Retry-After"]) > 0
        assert "Try again" in refused.json()["error"]
        assert impatient.get("/api/limits/ann").status_code == 200  # who reads does not wait
        for model in (CostRecord, Task, ToolCall):
            assert not model.objects.exists()
        lock.rollback()
        assert send().status_code in (200, 201)


@pytest.mark.skipif(connection.vendor != "sqlite", reason="the database is a file")
class TestLostFile:
    def test_it_says_so_and_recovers_without_a_restart(self, tmp_path: Path) -> None:
        data = str(tmp_path)
        with serving(tmp_path) as process:
            at = address(process)
            made = manage("create_api_key", "a program", "--scopes", "read,write", DATA_DIR=data)
            client = Client(at, made.stdout.splitlines()[-1])
            assert client.send("/api/usage", usage("k1", 1))[0] == 201
            file = tmp_path / "monitor.db"
            kept = file.rename(tmp_path / "kept.db")
            file.mkdir()
            for _ in range(2):
                status, answer = client.send("/api/usage", usage("k2", 2))
                assert status == 503
                assert "Try again" in answer["error"]
            file.rmdir()
            kept.rename(file)
            assert client.send("/api/usage", usage("k2", 2))[0] == 201
            assert client.send("/api/usage", usage("k1", 1))[0] == 200
            client.connection.close()


@pytest.mark.skipif(connection.vendor == "sqlite", reason="the database is no server")
class TestLostConnection:
    def send(self, site: str, secret: str) -> tuple[int, Any]:
        host, _, port = site.removeprefix("http://").partition(":")
        client = Client((host, int(port)), secret)
        with closing(client.connection):
            return client.send("/api/usage", usage("k", 1))

    def terminate_who_waits(self) -> None:
        """Once the server's statement waits for the table, end its connection."""
        waiting = (
            "SELECT count(pg_terminate_backend(pid)) FROM pg_locks"
            " WHERE relation = 'costs_costrecord'::regclass AND NOT granted"
        )
        with connection.cursor() as cursor:
            for _ in range(5_000):
                cursor.execute(waiting)
                if cursor.fetchone()[0]:
                    return
        raise AssertionError("nobody waits for the table")

    def test_it_says_so_and_recovers_without_a_restart(self, site: str, secret: str) -> None:
        told: list[int] = []
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("LOCK TABLE costs_costrecord IN EXCLUSIVE MODE")
            thread = threading.Thread(target=lambda: told.append(self.send(site, secret)[0]))
            thread.start()
            self.terminate_who_waits()
            thread.join(20)
        assert told == [503]
        assert not CostRecord.objects.exists()
        assert self.send(site, secret)[0] == 201
        assert CostRecord.objects.count() == 1
