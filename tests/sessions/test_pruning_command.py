"""manage.py prune_sessions, whose three ages are given alone or together."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.core.management import call_command
from django.db import connection

from sessions import pruning
from sessions.events import ToolEnded
from sessions.models import Session, ToolCall
from sessions.recording import record
from tests.test_query_plans import plan, statements

NOW = datetime(2026, 6, 1, 12, 20, tzinfo=UTC)

pytestmark = pytest.mark.django_db


def call(days: float, key: str = "") -> ToolEnded:
    return ToolEnded(
        session_key=key or f"{days} days",
        at=NOW - timedelta(days=days),
        tool_use_id=f"{days}",
        tool_name="Bash",
        parameters={"command": "ls"},
        success=True,
    )


@pytest.fixture(autouse=True)
def now() -> Any:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def filled() -> None:
    record([call(days) for days in (1, 31, 91, 366)])


def prune(*arguments: str) -> tuple[int, int, int]:
    """How many sessions, calls, and bodies of calls there are after it."""
    call_command("prune_sessions", *arguments)
    calls = ToolCall.objects.all()
    return Session.objects.count(), calls.count(), calls.with_body().count()


@pytest.mark.usefixtures("filled")
class TestAges:
    @pytest.mark.parametrize(
        ("ages", "left"),
        [
            ("", (2, 2, 2)),
            ("--days 30", (1, 1, 1)),
            ("--sessions 365", (3, 3, 3)),
            ("--calls 90", (4, 2, 2)),
            ("--bodies 30", (4, 4, 1)),
            ("--bodies 30 --calls 90", (4, 2, 1)),
            ("--calls 90 --sessions 365", (3, 2, 2)),
            ("--bodies 30 --calls 90 --sessions 365", (3, 2, 1)),
        ],
    )
    def test_each_has_its_own(self, ages: str, left: tuple[int, int, int]) -> None:
        assert prune(*ages.split()) == left

    def test_it_says_what_it_did_of_each(self, capsys: Any) -> None:
        prune("--bodies", "30", "--calls", "90", "--sessions", "365")
        assert capsys.readouterr().out == (
            "Done: 1 sessions without news since 2025-06-01 12:20 UTC deleted;"
            " the sums of their tool calls stay in the history.\n"
            "Done: 1 tool calls from before 2026-03-03 12:00 UTC deleted;"
            " all that was counted of them stays.\n"
            "Done: 1 bodies of tool calls and lines of logs from before 2026-05-02 12:20 UTC"
            " deleted; the calls stay.\n"
        )

    def test_a_dry_run_counts_each_and_deletes_nothing(self, capsys: Any) -> None:
        left = prune("--bodies", "30", "--calls", "90", "--sessions", "365", "--dry-run")
        assert left == (4, 4, 4)
        assert re.findall(r"^\d+ [a-z ]+", capsys.readouterr().out, re.MULTILINE) == [
            "1 sessions without news since ",
            "2 tool calls from before ",
            "3 bodies of tool calls and lines of logs from before ",
        ]


class TestStop:
    def test_sigterm_ends_it_after_the_batch_under_way(
        self, capsys: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        record([call(100 + number, "one") for number in range(6)])
        batches = pruning.prune_calls

        def asked_to_end(before: datetime, *, batch: int) -> Iterator[int]:
            for deleted in batches(before, batch=batch):
                os.kill(os.getpid(), signal.SIGTERM)
                yield deleted

        monkeypatch.setattr(pruning, "prune_calls", asked_to_end)
        before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
        try:
            assert prune("--calls", "90", "--bodies", "30", "--batch", "2") == (1, 4, 4)
        finally:
            signal.signal(signal.SIGTERM, before[0])
            signal.signal(signal.SIGINT, before[1])
        assert capsys.readouterr().out.startswith("Stopped: 2 tool calls")


@pytest.mark.usefixtures("filled")
class TestPlans:
    def test_batches_find_their_rows_by_an_index(self) -> None:
        record([call(40 + number / 10, f"{number}") for number in range(200)])
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SET LOCAL enable_seqscan = off")
        before = NOW - timedelta(days=30)
        sent = statements(lambda: [*pruning.prune_bodies(before, batch=50)])
        sent += statements(lambda: [*pruning.prune_calls(before, batch=50)])
        plans = [plan(statement) for statement in sent]
        for statement, told in zip(sent, plans, strict=True):
            assert not re.search(r"SCAN (agent_|U\d)|Seq Scan on agent_", told), (
                f"{statement} {told}"
            )
        for index in ("toolcall_between", "session_has_bodies"):
            assert any(index in told for told in plans)
