"""kill -9 of the server while programs report to it."""

from __future__ import annotations

import os
import random
import re
import signal
import threading
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection
from django.db.models import Sum
from django.utils import timezone

from costs import audit, ledger, windows
from costs.models import CostRecord
from costs.totals import Spend
from monitor.models import ApiKey
from sessions.models import Session, ToolCall, ToolDay, ToolHour, ToolMonth
from tasks.models import Activity, Task
from tests.faults.mortal import Job, Mortals
from tests.monitor.api.programs import Client, Program, batches, calls, singles, tasks
from tests.monitor.test_serve import address, serving

RUNS = 20
MOMENTS = 2_000  # of statements and within them; a start takes some 100
ADDRESS = re.compile(r"http://([^/]+):(\d+)/")


class Server:
    """manage.py serve on the database of the test, in a process that dies at a moment."""

    def __init__(self, mortal: Mortals, folder: Path) -> None:
        self.mortal, self.folder = mortal, folder
        self.said = folder / "said"
        os.mkfifo(self.said)

    def live(self, last: int, programs: list[Program]) -> None:
        """From its start to its death, with all programs reporting to it."""
        name = str(connection.settings_dict["NAME"])
        command = ["serve", "--port", "0", "--no-migrate"]
        ask = self.mortal.begin(Job(name, command, str(self.folder), last, str(self.said)))
        with self.said.open() as said:
            found = ADDRESS.search(told := said.readline())
            assert found, f"{told}{said.read()} {ask()}"
            heard = threading.Semaphore(0)
            at = found[1], int(found[2])
            threads = [threading.Thread(target=each.run, args=[at, heard]) for each in programs]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(20)
            assert ask().status == -signal.SIGKILL


@pytest.fixture
def server(mortal: Mortals, tmp_path: Path, transactional_db: None) -> Server:
    return Server(mortal, tmp_path)


@pytest.fixture
def programs(transactional_db: None) -> list[Program]:
    key = ApiKey(name="a program", can_read=True, can_write=True, created_at=timezone.now())
    secret = key.give_secret()
    key.save()
    kinds = (singles, singles, batches, batches, calls, tasks)
    return [Program(secret, kind(f"{kind.__name__}-{n}")) for n, kind in enumerate(kinds)]


class TestIngest:
    def test_all_that_was_acknowledged_is_there_exactly_once(
        self, server: Server, programs: list[Program], process_settings: dict[str, str]
    ) -> None:
        ledger.seal(timezone.now() - timedelta(hours=1))
        fate = random.Random(6)
        for _ in range(RUNS):
            server.live(fate.randint(100, MOMENTS), programs)
            assert [program.fault for program in programs if program.fault] == []
        assert [check.rule for check in audit.check() if check.wrong] == []
        self.repeat(server.folder, programs, process_settings["DATABASE_URL"])
        reports = [report for program in programs for report in program.acknowledged]
        nanos = {key: nano for report in reports for key, nano in report.nanos.items()}
        kept = CostRecord.objects.values_list("source_id", "cost_nano")
        assert sorted(kept) == sorted(nanos.items())
        everything = windows.spend(windows.EPOCH, windows.FOREVER)
        assert everything == Spend(len(nanos), sum(nanos.values()))
        assert [check.rule for check in audit.check() if check.wrong] == []
        for model, name, field in ((ToolCall, "calls", "tool_use_id"), (Task, "tasks", "id")):
            told = [id_ for report in reports for id_ in getattr(report, name)]
            assert sorted(model.objects.values_list(field, flat=True)) == sorted(told)
            if model is Task:  # each comes with a line of its log
                assert sorted(Activity.objects.values_list("task_id", flat=True)) == sorted(told)
        for table in (Session, ToolHour, ToolDay, ToolMonth):  # each is told with its call
            counted = table._default_manager.aggregate(calls=Sum("calls", default=0))
            assert counted["calls"] == ToolCall.objects.count(), table

    def repeat(self, folder: Path, programs: list[Program], url: str) -> None:
        """Each program sends once more what it does not know to be stored, and its last word."""
        with serving(folder / "data", DATABASE_URL=url) as process:
            at = address(process)
            for program in programs:
                client = Client(at, program.secret)
                with closing(client.connection):
                    for report in (*program.acknowledged[-1:], program.next):
                        assert client.send(report.path, report.body)[0] in (200, 201)
                program.acknowledged.append(program.next)
