from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import transaction
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from costs import audit, ledger
from costs.limits import meters, set_user_limits
from costs.models import CostRecord, LedgerState, SpendingLimit
from monitor import demo
from monitor.demo import loading, marks
from monitor.demo.files import png
from monitor.demo.month import month
from sessions.events import SessionEvent, ToolEnded
from sessions.models import Session, ToolCall
from sessions.recording import record
from tasks.models import ACTIVE, Attachment, Status, Task
from tasks.reporting import report

NOW = datetime(2026, 11, 18, 15, 20, 30, tzinfo=UTC)
APPS = ("tasks", "agent_sessions", "costs")
# The files' names on the disk are drawn anew each time; ids count on.
DRAWN = {"id", "pk", "file", "session", "parent"}

pytestmark = pytest.mark.django_db


def unwatched(rows: Iterable[Any], total: int, what: str) -> Iterable[Any]:
    return rows


def load(now: datetime = NOW, *, seed: int = 1, days: int = 2, **options: Any) -> Any:
    return demo.load(now, seed=seed, days=days, watch=unwatched, **options)


def clear() -> demo.Cleared:
    return demo.clear(unwatched)


def everything(*drawn: str) -> dict[str, list[str]]:
    """Every row of the apps that keep records, but for ids and the ledger's marks."""
    models = [model for app in APPS for model in apps.get_app_config(app).get_models()]
    return {m.__name__: sorted(_rows(m, DRAWN | set(drawn))) for m in models if m != LedgerState}


def _rows(model: Any, drawn: set[str]) -> Iterator[str]:
    fields = model._meta.concrete_fields
    names = [f.name for f in fields if f.name not in drawn or model is Task]
    for row in model._default_manager.values_list(*names):
        yield repr([bytes(value) if isinstance(value, memoryview) else value for value in row])


@contextmanager
def undone() -> Iterator[None]:
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def work_for_real(hours: int) -> None:
    """A task with a file, a session with the tools of the demo, costs in its hours, a limit."""
    at = NOW - timedelta(hours=hours)
    report(task_id="real", at=at, status="running", user_id="u")
    Task(pk="real").attach("real.txt", b"real")
    end = {"tool_name": "Bash", "success": False, "error": "exit", "duration_ms": 2200}
    record([ToolEnded(session_key="s", task_id="real", tool_use_id="1", at=at, **end)])
    for moment in (at, NOW):
        ledger.record_usage(
            user_id="u", model="claude-sonnet-5", input_tokens=9, output_tokens=9, timestamp=moment
        )
    set_user_limits("u", daily=3)


def files() -> set[Path]:
    return set((Path(settings.DATA_DIR) / "attachments").glob("*"))


class TestLoad:
    def test_it_tells_a_month_of_all_kinds(self) -> None:
        loaded = load(days=14)
        assert loaded.calls > 2_500
        assert set(Task.objects.values_list("status", flat=True)) == set(Status.values)
        assert Session.objects.filter(parent__isnull=False).exists()
        assert Session.objects.active(NOW).count() >= 3
        assert ToolCall.objects.in_progress(NOW).count() == 3
        assert set(Attachment.objects.values_list("kind", flat=True)) == {"screenshot", "document"}
        assert len(set(CostRecord.objects.values_list("user_id", flat=True))) == 8
        assert not CostRecord.objects.unpriced().exists()

    def test_nothing_lies_in_the_future_or_further_back(self) -> None:
        load(days=3)
        times = [
            *Task.objects.values_list("created_at", "updated_at"),
            *Session.objects.values_list("started_at", "last_activity_at"),
            *CostRecord.objects.values_list("timestamp"),
        ]
        told = [moment for row in times for moment in row]
        assert NOW - timedelta(days=3, hours=1) < min(told) < max(told) <= NOW

    def test_one_limit_is_near_one_is_reached_and_one_user_has_none(self) -> None:
        load(days=4)
        limits = SpendingLimit.objects.order_by("user_id")
        near, reached, *_, free = [meters(limit.user_id, limit, NOW) for limit in limits]
        assert near[1].near
        assert not near[1].reached
        assert reached[0].reached
        assert not any(meter.near for meter in free)

    def test_the_same_seed_and_hour_give_the_same_rows(self) -> None:
        with undone():
            load()
            once = everything()
        with undone():
            load(NOW + timedelta(seconds=20))
            assert everything() == once

    def test_of_another_minute_only_what_goes_on_differs(self) -> None:
        def over() -> list[Any]:
            ended = Session.objects.filter(ended_at__isnull=False)
            calls = ToolCall.objects.filter(session__in=ended)
            return [
                *Task.objects.exclude(status__in=ACTIVE).order_by("id").values_list(),
                *calls.order_by("session__key", "tool_use_id").values_list("started_at", "error"),
            ]

        with undone():
            load()
            once = over()
        load(NOW + timedelta(minutes=30))
        assert over() == once
        assert once

    def test_another_seed_gives_another_month(self) -> None:
        with undone():
            load()
            once = list(Task.objects.values_list("description", flat=True))
        load(seed=2)
        assert list(Task.objects.values_list("description", flat=True)) != once

    def test_a_second_time_adds_nothing(self) -> None:
        load()
        once = everything()
        assert load(NOW + timedelta(days=1)) is None
        assert everything() == once

    def test_another_month_beside_it_is_refused(self) -> None:
        load()
        with pytest.raises(demo.Refused, match="seed 1 are loaded already"):
            load(seed=2)

    @pytest.mark.parametrize("kind", ["tasks", "sessions", "cost records", "limits"])
    def test_beside_real_records_it_is_refused_unless_forced(self, kind: str) -> None:
        if kind == "tasks":
            report(task_id="real", at=NOW)
        elif kind == "sessions":
            record([SessionEvent(session_key="real", at=NOW)])
        elif kind == "limits":
            set_user_limits("real", daily=1)
        else:
            ledger.record_usage(user_id="u", model="opus", input_tokens=1, output_tokens=1)
        with pytest.raises(demo.Refused, match=kind):
            load()
        assert not marks.tasks().exists()
        assert load(force=True).tasks

    def test_a_history_without_its_records_is_real_too(self) -> None:
        ledger.record_usage(
            user_id="u", model="opus", input_tokens=1, output_tokens=1, timestamp=NOW
        )
        list(ledger.prune(NOW + timedelta(hours=1)))
        with pytest.raises(demo.Refused, match="a history of costs"):
            load()

    def test_a_failure_on_the_way_leaves_neither_row_nor_file(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        before, rows, count = files(), everything(), 0

        def failing(job: Any) -> Iterator[tuple[str, bytes]]:
            nonlocal count
            count += 1
            if count > 5:
                raise OSError("no space left")
            yield "a.txt", b"text"

        monkeypatch.setattr(loading, "files", failing)
        with pytest.raises(OSError, match="no space"):
            load()
        assert everything() == rows
        assert files() == before


class TestMonth:
    @pytest.mark.parametrize("seed", range(5))
    def test_a_weekend_is_quiet(self, seed: int) -> None:
        days = Counter(job.at.weekday() for job in month(seed, 28, NOW))
        assert days[5] + days[6] < min(days[day] for day in range(4))

    @pytest.mark.parametrize("seed", range(5))
    def test_on_one_work_day_most_work_fails(self, seed: int) -> None:
        ends = Counter((job.at.date(), job.end) for job in month(seed, 28, NOW))
        bad = datetime(2026, 11, 11, tzinfo=UTC).date()
        assert ends[bad, "failed"] > ends[bad, "completed"]
        others = {day for day, _ in ends} - {bad}
        assert all(ends[day, "failed"] < ends[bad, "failed"] for day in others)


class TestPng:
    def test_it_is_a_picture_that_can_be_attached(self) -> None:
        report(task_id="t", at=NOW)
        assert Task(pk="t").attach("a.png", png([b"\0\1", b"\2\3"])).media_type == "image/png"


class TestClear:
    @hypothesis_settings(max_examples=4)
    @given(
        seed=st.integers(0, 99),
        hours=st.integers(0, 60),
        seal_before=st.none() | st.integers(0, 60),
        seal_after=st.none() | st.integers(0, 60),
    )
    def test_it_leaves_the_database_as_it_was(
        self, seed: int, hours: int, seal_before: int | None, seal_after: int | None
    ) -> None:
        def seal(ago: int | None) -> None:
            if ago is not None:
                ledger.seal((NOW - timedelta(hours=ago)).replace(minute=0, second=0))

        with undone():
            work_for_real(hours)
            seal(seal_before)
            with undone():
                seal(seal_after)
                expected = everything()
            load(seed=seed, days=1, force=True)
            seal(seal_after)
            assert not clear().kept_requests
            assert everything() == expected
            assert sum(check.wrong for check in audit.check()) == 0

    def test_its_files_leave_the_disk(self, django_capture_on_commit_callbacks: Any) -> None:
        report(task_id="real", at=NOW)
        Task(pk="real").attach("real.txt", b"real")
        before = files()
        load(force=True)
        assert files() > before
        with django_capture_on_commit_callbacks(execute=True):
            clear()
        assert files() == before

    def test_what_was_added_to_it_goes_with_it(self) -> None:
        load()
        task = marks.tasks()[0]
        record([SessionEvent(session_key="somebody's", task_id=task.id, at=NOW)])
        task.attach("mine.txt", b"mine")
        clear()
        assert not Session.objects.exists()
        assert not Attachment.objects.exists()

    def test_a_name_like_its_own_is_not_taken_for_it(self) -> None:
        report(task_id="DEMO-DATA-1-0001", at=NOW)
        report(task_id="demo-1", at=NOW)
        set_user_limits("demo-1", daily=1)
        load(force=True)
        clear()
        assert Task.objects.count() == 2
        assert SpendingLimit.objects.count() == 1

    def test_where_nothing_is_loaded_nothing_goes(self) -> None:
        work_for_real(1)
        before = everything()
        assert clear().is_nothing
        assert everything() == before

    def test_the_sums_of_what_was_pruned_stay_and_are_told(self) -> None:
        load(days=3)
        old = NOW - timedelta(days=1)
        pruned = CostRecord.objects.before(old.replace(minute=0, second=0))
        count, spent = pruned.count(), sum(pruned.values_list("cost_nano", flat=True))
        list(ledger.prune(old))
        gone = clear()
        assert (gone.kept_requests, gone.kept_nano) == (count, spent)
        assert count
        assert sum(check.wrong for check in audit.check()) == 0


class TestCommand:
    def run(self, *arguments: str) -> str:
        told = StringIO()
        call_command("load_demo_data", *arguments, stdout=told, stderr=told)
        return told.getvalue()

    def test_it_says_what_it_loaded_and_cleared(self) -> None:
        told = self.run("--days", "1")
        assert told.startswith(f"Loaded {Task.objects.count():,} tasks, ")
        assert "nothing was added" in self.run("--days", "1")
        assert self.run("--clear").startswith("Cleared ")
        assert self.run("--clear") == "No demo data are loaded; nothing was changed.\n"

    def test_a_refusal_is_one_line_that_says_what_to_do(self) -> None:
        report(task_id="real", at=NOW)
        with pytest.raises(CommandError, match=r"holds tasks that nobody invented.* --force"):
            self.run()

    def test_it_says_what_had_been_pruned(self) -> None:
        self.run("--days", "2")
        list(ledger.prune(datetime.now(UTC) - timedelta(hours=2)))
        assert "had been pruned before. They stay in the history" in self.run("--clear")

    @pytest.mark.parametrize("wrong", [("--days", "0"), ("--days", "61"), ("--seed", "-1")])
    def test_it_refuses_what_is_no_number_of_its_kind(self, wrong: tuple[str, str]) -> None:
        with pytest.raises(CommandError, match="a whole number"):
            self.run("=".join(wrong))
