from __future__ import annotations

import json
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from random import Random
from tempfile import TemporaryFile
from typing import Any

import msgspec
import pytest

from sessions.events import SessionEnded, SessionEvent, ToolEnded, ToolStarted
from tasks.models import Task
from tasks.reporting import Report
from tests.sessions.brute import at, expected, stored

ROOT = Path(__file__).parents[2]
HAND = """
import json, sys, django
django.setup()
from msgspec import convert
from sessions import events
from sessions.recording import record
from tasks.reporting import Report, report_many
for kind, plain in json.load(sys.stdin):
    if kind == "Report":
        report_many([convert(plain, Report)])
    else:
        record([convert(plain, getattr(events, kind))])
"""


def a_busy_day() -> list[SessionEvent]:
    """Starts, ends and news of three sessions; every call is told by a start and two ends."""
    told: list[SessionEvent] = []
    for number in range(45):
        known: dict[str, Any] = {
            "session_key": f"session-{number % 3}",
            "tool_use_id": f"call-{number}",
            "tool_name": ("Bash", "Read", "Edit")[number % 3],
            "parameters": {"file_path": f"/w/{number % 4}.py"},
        }
        told.append(ToolStarted(**known, at=at(number)))
        told.append(ToolEnded(**known, at=at(number + 3), success=number % 5 > 0, error="boom"))
        told.append(ToolEnded(**known, at=at(number + 4), success=True))
    told += [SessionEnded(session_key=f"session-{n}", at=at(99), reason="clear") for n in range(3)]
    return told


def reports() -> list[Report]:
    states = ("pending", "running", "completed", "running", "failed")
    return [
        Report(task_id=f"task-{n}", at=at(m), status=state, message=f"{state} {m}", error="e" * m)
        for n in range(3)
        for m, state in enumerate(states)
    ]


@pytest.mark.django_db(transaction=True)
class TestManyProcesses:
    def hand(self, told: list[Any], seed: int, env: dict[str, str]) -> subprocess.Popen[str]:
        """A process that records all events, in an order of its own."""
        mine = told[:]
        Random(seed).shuffle(mine)
        plain = [(type(event).__name__, msgspec.to_builtins(event)) for event in mine]
        with TemporaryFile("w+") as file:
            json.dump(plain, file)
            file.flush()
            file.seek(0)
            command = [sys.executable, "-c", HAND]
            return subprocess.Popen(
                command, cwd=ROOT, env=env, stdin=file, stderr=subprocess.PIPE, text=True
            )

    def test_events_in_any_order_from_any_process_end_alike(
        self, process_settings: dict[str, str]
    ) -> None:
        told: list[Any] = [*a_busy_day(), *reports()]
        with ExitStack() as stack:
            hands = [
                stack.enter_context(self.hand(told, seed, process_settings)) for seed in range(4)
            ]
            for hand in hands:
                assert (hand.communicate()[1], hand.returncode) == ("", 0)
        assert stored() == expected([event for event in told if isinstance(event, SessionEvent)])
        for task in Task.objects.all():
            assert (task.status, task.error, task.finished_at) == ("failed", "eeee", at(4))
            assert (task.started_at, task.created_at, task.updated_at) == (at(1), at(0), at(4))
            assert task.activity.count() == 5
        assert Task.objects.count() == 3
