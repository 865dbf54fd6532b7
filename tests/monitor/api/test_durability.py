"""What is acknowledged is kept: through kills, and through requests to stop."""

from __future__ import annotations

import json
import random
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, closing
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from costs import audit, ledger, windows
from costs.models import CostRecord
from costs.totals import Spend
from sessions.models import ToolCall
from tasks.models import Task
from tests.monitor.api.programs import (
    Address,
    Client,
    Program,
    batches,
    calls,
    singles,
    tasks,
    usage,
)
from tests.monitor.test_serve import address, serving

KILLS = 3
Serve = Callable[[], AbstractContextManager[subprocess.Popen[str]]]


@pytest.fixture
def serve(tmp_path: Path, process_settings: dict[str, str]) -> Serve:
    """Starts the server, in a process of its own, on the database of the test."""
    return lambda: serving(tmp_path, DATABASE_URL=process_settings["DATABASE_URL"])


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
        self, serve: Serve, secret: str, capfd: pytest.CaptureFixture[str]
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
            assert capfd.readouterr().err == ""
            for end in (*halves, stream, listener.connection):
                end.close()
        assert CostRecord.objects.count() == 5
