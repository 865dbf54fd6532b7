import random
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import IntegrityError, connection, transaction
from hypothesis import given
from hypothesis import strategies as st
from model_bakery import baker

from tasks.models import ACTIVE, FINISHED, Activity, Status, Task

START = datetime(2026, 3, 1, tzinfo=UTC)
END = START + timedelta(days=1)
INSTANT = timedelta(microseconds=1)
STEPS: dict[str, Callable[[Task], None]] = {
    "start": lambda task: task.start(pid=7, host="here"),
    "complete": lambda task: task.complete("done"),
    "fail": lambda task: task.fail("Connection refused"),
    "stop": lambda task: task.stop("alice"),
    "mark_fixed": lambda task: task.mark_fixed("alice"),
}
ALLOWED = {
    "start": {Status.PENDING},
    "complete": set(ACTIVE),
    "fail": set(ACTIVE),
    "stop": set(ACTIVE),
    "mark_fixed": {Status.FAILED},
}


def task(status: Status = Status.PENDING, **fields: Any) -> Task:
    """A task in a state, with all its times at START unless said otherwise."""
    times = dict.fromkeys(("created_at", "updated_at", "status_at"), START)
    end = {"finished_at": START} if status in FINISHED else {}
    return baker.make(Task, status=status, **(times | end | fields))


def found(rows: Any) -> set[str]:
    return {row.id for row in rows}


@pytest.mark.django_db
class TestTask:
    def test_it_makes_its_own_id_where_none_is_given(self) -> None:
        assert task().id != task().id

    def test_it_keeps_a_given_id(self) -> None:
        assert str(task(id="a1b2c3")) == "a1b2c3"

    def test_it_refuses_a_blank_id(self) -> None:
        with pytest.raises(IntegrityError, match="has_id"):
            task(id="")

    def test_it_refuses_an_unknown_status(self) -> None:
        with pytest.raises(IntegrityError, match="finished_has_time"):
            task(status="lost")  # type: ignore[arg-type]

    @pytest.mark.parametrize("status", FINISHED)
    def test_it_refuses_an_end_without_a_time(self, status: Status) -> None:
        with pytest.raises(IntegrityError, match="finished_has_time"):
            task(status, finished_at=None)

    @pytest.mark.parametrize("status", ACTIVE)
    def test_it_refuses_a_time_without_an_end(self, status: Status) -> None:
        with pytest.raises(IntegrityError, match="finished_has_time"):
            task(status, finished_at=END)

    @pytest.mark.parametrize("status", Status)
    def test_it_knows_whether_it_is_active_or_failed(self, status: Status) -> None:
        assert task(status).is_active is (status in ACTIVE)
        assert task(status).is_failed is (status == Status.FAILED)

    def test_its_duration_lasts_to_its_end_or_to_the_last_news(self) -> None:
        assert task().duration is None
        running = task(Status.RUNNING, started_at=START, updated_at=END)
        assert running.duration == END - START
        ended = task(Status.FAILED, started_at=START, finished_at=START + INSTANT, updated_at=END)
        assert ended.duration == INSTANT

    def test_its_duration_is_never_negative(self) -> None:
        assert task(Status.STOPPED, started_at=END, finished_at=START).duration == timedelta()


@pytest.mark.django_db
class TestActivity:
    def test_the_same_event_is_not_told_twice(self) -> None:
        one = task()
        one.activity.create(time=START, status="running", message="go")
        one.activity.create(time=START, status="running", message="on")
        with pytest.raises(IntegrityError, match=r"once_a_task|event_id"), transaction.atomic():
            one.activity.create(time=START, status="running", message="go")
        task().activity.create(time=START, status="running", message="go")
        assert Activity.objects.count() == 3

    def test_an_event_of_its_own_id_is_told_again_with_other_words(self) -> None:
        one = task()
        one.activity.create(time=START, message="a", event_id="1")
        with pytest.raises(IntegrityError):
            one.activity.create(time=END, message="b", event_id="1")

    def test_it_may_come_before_its_task(self) -> None:
        Activity.objects.create(task_id="later", time=START, message="early")
        assert [str(line) for line in task(id="later").activity.all()] == ["later: early"]

    def test_it_goes_with_its_task(self) -> None:
        one = task()
        one.activity.create(time=START, message="a")
        one.delete()
        assert not Activity.objects.exists()


@pytest.mark.django_db
class TestSteps:
    @pytest.fixture(autouse=True)
    def now(self) -> Any:
        with time_machine.travel(END, tick=False):
            yield

    @pytest.mark.parametrize("step", STEPS)
    @pytest.mark.parametrize("status", Status)
    def test_each_is_taken_only_from_where_it_makes_sense(self, status: Status, step: str) -> None:
        one = task(status, error="kept", result="kept")
        if status in ALLOWED[step]:
            STEPS[step](one)
            assert one.status != status
            return
        before = Task.objects.values().get()
        with pytest.raises(Task.NotAllowed, match=f"Task {one.id} is {status.value}; only one"):
            STEPS[step](one)
        assert Task.objects.values().get() == before
        assert not one.activity.exists()

    @pytest.mark.parametrize(
        ("step", "status", "message", "fields"),
        [
            ("start", "running", "Started", {"started_at": END, "pid": 7, "host": "here"}),
            ("complete", "completed", "Completed", {"result": "done", "finished_at": END}),
            (
                "fail",
                "failed",
                "Failed: Connection refused",
                {"error": "Connection refused", "finished_at": END},
            ),
            (
                "stop",
                "stopped",
                "Stopped by alice",
                {"error": "Stopped by alice", "finished_at": END},
            ),
        ],
    )
    def test_each_saves_what_it_tells_and_writes_a_line(
        self, step: str, status: str, message: str, fields: dict[str, Any]
    ) -> None:
        one = task(user_id="bob", description="Tidy up")
        STEPS[step](one)
        stored = Task.objects.get()
        expected = {"status": status, "status_at": END, "updated_at": END, "created_at": START}
        expected |= {"user_id": "bob", "description": "Tidy up"} | fields
        for row in (one, stored):
            assert {name: getattr(row, name) for name in expected} == expected
        (line,) = one.activity.values_list("time", "status", "message")
        assert line == (END, status, message)

    def test_a_failure_is_sorted(self) -> None:
        one = task(Status.RUNNING)
        one.fail("Connection refused")
        assert one.error_category == "network_error"
        assert one.error_fingerprint

    def test_nobody_need_be_named(self) -> None:
        stopped, failed = task(), task(Status.FAILED)
        stopped.stop()
        failed.mark_fixed()
        assert stopped.error == "Stopped"
        assert [line.message for line in failed.activity.all()] == ["Marked fixed"]

    def test_a_fixed_failure_ended_when_the_work_did_and_its_error_stays_in_the_log(self) -> None:
        one = task(Status.RUNNING, started_at=START)
        one.fail("Connection refused")
        with time_machine.travel(END + timedelta(days=1), tick=False):
            one.mark_fixed("alice")
        assert (one.status, one.finished_at, one.error) == (Status.COMPLETED, END, "")
        assert (one.error_category, one.error_fingerprint) == ("", "")
        assert [line.message for line in one.activity.order_by("time")] == [
            "Failed: Connection refused",
            "Marked fixed by alice",
        ]

    def test_they_go_by_the_row_and_not_by_what_the_object_believes(self) -> None:
        stale = task()
        Task.objects.get().complete()
        with pytest.raises(Task.NotAllowed):
            stale.fail("too late")
        assert Task.objects.get().status == Status.COMPLETED

    def test_a_clock_that_is_behind_does_not_undo_them(self) -> None:
        one = task(Status.RUNNING, status_at=END + timedelta(hours=1))
        one.complete()
        assert (one.status, one.status_at) == (Status.COMPLETED, END + timedelta(hours=1))

    def test_one_that_is_gone_is_said_to_be(self) -> None:
        one = task()
        Task.objects.all().delete()
        with pytest.raises(Task.DoesNotExist):
            one.start()


@pytest.mark.django_db(transaction=True)
class TestStepsAtOnce:
    @pytest.mark.parametrize("steps", [["start"] * 4, ["complete", "fail", "stop", "complete"]])
    def test_exactly_one_wins(self, steps: list[str]) -> None:
        one = task(Status.PENDING if "start" in steps else Status.RUNNING)
        barrier, outcomes = threading.Barrier(len(steps)), []

        def take(step: str) -> None:
            mine = Task.objects.get(pk=one.pk)
            barrier.wait(10)
            try:
                STEPS[step](mine)
                outcomes.append(mine.status)
            except Task.NotAllowed:
                outcomes.append("refused")
            finally:
                connection.close()

        threads = [threading.Thread(target=take, args=[step]) for step in steps]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        (won,) = (status for status in outcomes if status != "refused")
        assert len(outcomes) == len(steps)
        assert Task.objects.get().status == won
        assert [line.status for line in Activity.objects.all()] == [won]


INSTANTS = st.integers(0, 3).map(lambda hours: START + timedelta(hours=hours))
TEXTS = st.sampled_from(["", "a", "b"])
TIMES = INSTANTS, st.none() | INSTANTS
STATES = st.tuples(st.sampled_from(["", *Status.values]), *TIMES, TEXTS, TEXTS)
TOLD = st.lists(STATES, min_size=1, max_size=6)


def merged(events: list[Any]) -> dict[str, Any]:
    """The fields of a task that was told these events in this order."""
    first = events[0][1]
    row = Task(id="a", created_at=first, updated_at=first, status_at=first)
    for status, at, created_at, error, result in events:
        row.take(status, at, created_at, error=error, result=result)
    return {field.name: getattr(row, field.name) for field in Task._meta.concrete_fields}


class TestTake:
    @given(TOLD, st.randoms(use_true_random=False))
    def test_any_order_and_repetition_of_events_ends_alike(
        self, events: list[Any], chance: random.Random
    ) -> None:
        again = [*events, *chance.choices(events, k=3)]
        chance.shuffle(again)
        assert merged(again) == merged(events)

    @given(TOLD)
    def test_an_end_has_a_time_and_news_lie_between_creation_and_the_last_of_it(
        self, events: list[Any]
    ) -> None:
        row = merged(events)
        assert (row["finished_at"] is not None) is (row["status"] in FINISHED)
        times = [at for event in events for at in event[1:3] if at]
        assert row["created_at"] == min(times)
        assert row["updated_at"] == max(event[1] for event in events)

    def test_the_latest_state_counts_even_if_it_arrives_first(self) -> None:
        told = [("completed", END, None, "", "ok"), ("running", START, None, "", "")]
        row = merged(told)
        assert (row["status"], row["result"], row["finished_at"]) == ("completed", "ok", END)
        assert row["started_at"] == START

    def test_a_task_that_runs_again_has_not_finished(self) -> None:
        row = merged([("failed", START, None, "oh", ""), ("running", END, None, "", "")])
        assert (row["status"], row["finished_at"], row["error"]) == ("running", None, "")

    def test_pending_gives_way_whatever_the_clocks_say(self) -> None:
        told = [("pending", END, None, "", ""), ("running", START, None, "", "")]
        assert merged(told)["status"] == "running"


@pytest.mark.django_db
class TestTaskQuerySet:
    @pytest.mark.parametrize(
        ("query", "field", "status"),
        [
            ("created_between", "created_at", Status.PENDING),
            ("heard_between", "updated_at", Status.PENDING),
            ("finished_between", "finished_at", Status.STOPPED),
            ("completed_between", "finished_at", Status.COMPLETED),
            ("failed_between", "finished_at", Status.FAILED),
        ],
    )
    def test_a_range_includes_its_start_and_excludes_its_end(
        self, query: str, field: str, status: Status
    ) -> None:
        for name, time in [
            ("before", START - INSTANT),
            ("first", START),
            ("last", END - INSTANT),
            ("after", END),
        ]:
            task(status, id=name, **{field: time})
        assert found(getattr(Task.objects, query)(START, END)) == {"first", "last"}

    def test_ends_are_told_apart_by_how_they_came(self) -> None:
        for status in Status:
            task(status, id=status.value)
        assert found(Task.objects.finished_between(START, END)) == {*FINISHED}
        assert found(Task.objects.completed_between(START, END)) == {"completed"}
        assert found(Task.objects.failed_between(START, END)) == {"failed"}

    def test_every_task_is_active_or_finished(self) -> None:
        for status in Status:
            task(status, id=status.value)
        assert found(Task.objects.active()) == {*ACTIVE}
        assert found(Task.objects.finished()) == {*FINISHED}
        assert found(Task.objects.running()) == {"running"}

    def test_pending_since_goes_by_the_creation(self) -> None:
        task(id="old", created_at=START - INSTANT, updated_at=END)
        task(id="edge", created_at=START)
        task(Status.RUNNING, created_at=START - INSTANT)
        assert found(Task.objects.pending_since(START)) == {"old"}

    def test_silent_since_goes_by_the_last_news(self) -> None:
        task(Status.RUNNING, id="old", updated_at=START - INSTANT)
        task(Status.RUNNING, id="edge", updated_at=START)
        task(Status.PENDING, updated_at=START - INSTANT)
        assert found(Task.objects.silent_since(START)) == {"old"}

    @pytest.mark.parametrize("text", ["NEEDLE", "needle", "eedl"])
    def test_matching_looks_into_four_fields_in_any_case(self, text: str) -> None:
        task(id="a needle")
        task(id="user", user_id="Needle")
        task(id="description", description="in a Needle stack")
        task(id="error", error="no NEEDLE")
        task(id="result", result="needle")
        assert found(Task.objects.matching(text)) == {"a needle", "user", "description", "error"}

    @pytest.mark.parametrize("text", ["%", "_", "\\", "'"])
    def test_matching_takes_signs_as_they_are(self, text: str) -> None:
        task(id="with", description=f"a{text}b")
        task(id="without", description="ab")
        assert found(Task.objects.matching(text)) == {"with"}

    def test_news_are_noted_unless_later_ones_are_known(self) -> None:
        one = task(id="a", updated_at=START)
        Task.objects.heard("a", END)
        Task.objects.heard("a", START)
        Task.objects.heard("unknown", END)
        one.refresh_from_db()
        assert one.updated_at == END
        assert Task.objects.count() == 1
