from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest
from django.db import OperationalError
from django.db.models import QuerySet
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pytest_django import DjangoAssertNumQueries

from tasks.identity import Invalid
from tasks.models import FINISHED, Activity, Status, Task
from tasks.models.task import TaskQuerySet
from tasks.reporting import Report, report, report_many
from tests.examples import examples

pytestmark = pytest.mark.django_db
BASE = datetime(2026, 3, 1, tzinfo=UTC)


def at(minutes: float) -> datetime:
    return BASE + timedelta(minutes=minutes)


class TestReport:
    def test_an_unknown_task_is_made(self) -> None:
        assert report(task_id="t1", at=at(0), description="Fix it", user_id="ada", pid=7)
        task = Task.objects.get()
        assert (task.id, task.description, task.user_id, task.pid) == ("t1", "Fix it", "ada", 7)
        assert (task.status, task.created_at, task.updated_at) == ("pending", at(0), at(0))

    def test_it_goes_from_pending_to_its_end(self) -> None:
        report(task_id="t1", at=at(0), status="pending")
        report(task_id="t1", at=at(1), status="running")
        report(task_id="t1", at=at(9), status="failed", error="No such file: /w/a.py")
        task = Task.objects.get()
        assert (task.status, task.error_category) == ("failed", "file_not_found")
        assert (task.created_at, task.started_at, task.finished_at) == (at(0), at(1), at(9))
        assert task.duration == timedelta(minutes=8)

    def test_a_late_report_changes_no_later_state(self) -> None:
        report(task_id="t1", at=at(9), status="completed", result="done")
        report(task_id="t1", at=at(1), status="running")
        task = Task.objects.get()
        assert (task.status, task.result, task.started_at) == ("completed", "done", at(1))

    def test_a_task_that_runs_again_is_not_finished(self) -> None:
        report(task_id="t1", at=at(1), status="failed", error="boom")
        report(task_id="t1", at=at(2), status="running")
        task = Task.objects.get()
        assert (task.status, task.error, task.finished_at) == ("running", "", None)

    def test_a_clock_behind_the_server_still_starts_a_task(self) -> None:
        report(task_id="t1", at=at(0), status="pending")
        report(task_id="t1", at=at(-1), status="running")
        assert Task.objects.get().status == "running"

    def test_a_log_line_is_kept_with_its_numbers(self) -> None:
        report(
            task_id="t1", at=at(0), message="Ran", output_lines=12, metadata={"api_key": "secret"}
        )
        line = Activity.objects.get()
        assert (line.message, line.output_lines, line.status) == ("Ran", 12, "")
        assert line.metadata == {"api_key": "[redacted]"}

    def test_the_same_event_twice_is_no_news(self) -> None:
        event = {"task_id": "t1", "at": at(0), "status": "running", "message": "go"}
        assert report(**event)
        assert not report(**event)
        assert Activity.objects.count() == 1

    def test_events_with_ids_of_their_own_are_told_apart_by_them(self) -> None:
        for id in ("1", "2", "2"):
            report(task_id="t1", at=at(0), message="again", event_id=id)
        assert Activity.objects.count() == 2

    def test_two_failures_at_one_time_are_two_lines_in_any_order(self) -> None:
        for error in ("boom", "bang", "boom"):
            report(task_id="t1", at=at(0), status="failed", error=error)
        assert {line.message for line in Activity.objects.all()} == {"boom", "bang"}
        assert Activity.objects.count() == 2

    def test_a_task_that_is_pruned_meanwhile_is_made_anew(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def prune_first(rows: QuerySet[Task]) -> QuerySet[Task]:
            monkeypatch.undo()
            Task.objects.all().delete()
            return rows.select_for_update()

        report(task_id="t1", at=at(0), status="completed")
        monkeypatch.setattr(TaskQuerySet, "select_for_update", prune_first)
        report(task_id="t1", at=at(9), status="running")
        task = Task.objects.get()
        assert (task.status, task.created_at) == ("running", at(9))

    def test_it_goes_with_its_lines_or_not_at_all(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def full(by_task: object) -> int:
            raise OperationalError("database or disk is full")

        monkeypatch.setattr("tasks.reporting._logged", full)
        with pytest.raises(OperationalError):
            report(task_id="t1", at=at(0), status="running")
        assert not Task.objects.exists()

    def test_secrets_are_taken_out(self) -> None:
        secret = "ghp_" + "a1B2" * 9
        told = {"message": secret, "error": secret, "result": secret, "description": secret}
        report(task_id="t1", at=at(0), status="failed", context=secret, **told)
        values = str(list(Task.objects.values())) + str(list(Activity.objects.values()))
        assert secret not in values
        assert values.count("[redacted]") == 5

    @pytest.mark.parametrize(
        ("field", "wrong"),
        [
            ("task_id", ""),
            ("task_id", "x" * 65),
            ("task_id", ".."),
            ("task_id", "a\tb"),
            ("status", "done"),
            ("at", datetime(2026, 1, 1)),
            ("at", datetime(1960, 1, 1, tzinfo=UTC)),
            ("pid", -1),
            ("output_lines", -1),
            ("message", None),
            ("metadata", [1]),
            ("model", "a\0b"),
            ("host", "\ud800"),
        ],
    )
    def test_what_cannot_be_right_is_refused(self, field: str, wrong: Any) -> None:
        good = Report(task_id="t0", at=at(0))
        fields = {"task_id": "t1", "at": at(0)} | {field: wrong}
        with pytest.raises(Invalid) as refusal:
            report_many([good, Report(**fields)])
        assert (refusal.value.field, refusal.value.place) == (field, 1)
        assert not Task.objects.exists()

    def test_the_queries_of_the_log_do_not_grow(
        self, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        def lines(count: int) -> list[Report]:
            return [Report(task_id="t1", at=at(n), message=str(n)) for n in range(count)]

        with django_assert_num_queries(7):
            report_many(lines(2))
        with django_assert_num_queries(7):
            report_many(lines(100))


events = st.builds(
    Report,
    task_id=st.just("t1"),
    at=st.integers(0, 5).map(at),
    status=st.sampled_from(["", *Status.values]),
    error=st.sampled_from(["", "boom", "bang"]),
    message=st.sampled_from(["", "a", "b"]),
    model=st.sampled_from(["", "opus", "haiku"]),
)


class TestAnyOrder:
    @settings(
        max_examples=examples(100),
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture],
    )
    @given(told=st.lists(events, min_size=1, max_size=10), seed=st.integers(0, 999))
    def test_the_task_is_what_all_events_together_say(self, told: list[Report], seed: int) -> None:
        again = told * 2
        Random(seed).shuffle(again)
        Task.objects.all().delete()
        Activity.objects.all().delete()
        for event in again:
            report_many([event])
        self.check(Task.objects.get(), told)

    def check(self, task: Task, told: list[Report]) -> None:
        order = list(Status.values)
        states = [
            (e.at, order.index(e.status), e.error) for e in told if e.status not in ("", "pending")
        ]
        runs = [event.at for event in told if event.status == "running"]
        assert task.created_at == min(event.at for event in told)
        assert task.updated_at == max(event.at for event in told)
        assert task.started_at == min(runs, default=None)
        if states:
            last = max(states)
            assert (task.status_at, task.status, task.error) == (last[0], order[last[1]], last[2])
            assert (task.finished_at == last[0]) == (task.status in FINISHED)
        models = [(event.at, event.model) for event in told if event.model]
        assert task.model == max(models, default=(None, ""))[1]
        lines = {(e.at, e.status, e.message or e.error) for e in told if e.status or e.message}
        assert task.activity.count() == len(lines)
