import os
import socket
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction
from model_bakery import baker

from tasks import stale
from tasks.models import FINISHED, Activity, Status, Task
from tasks.stale import Patience, Stale, fail_stale

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
MINUTE, INSTANT = timedelta(minutes=1), timedelta(microseconds=1)
HERE = {"host": socket.gethostname()}
NOBODY = 2**31 - 1  # no process has a number that high
WAITED = "Pending for more than 60 min: no worker took it up."
SILENT = "[timeout] No news for more than 30 min."
DIED = f"[dead_process] Process {NOBODY} ended without a report."


def task(status: Status, age: timedelta, **fields: Any) -> Task:
    """A task of which the last news, and of its creation, is so old."""
    at = NOW - age
    times = dict.fromkeys(("created_at", "updated_at", "status_at"), at)
    end = {"finished_at": at} if status in FINISHED else {}
    return baker.make(Task, status=status, **(times | end | fields))


@pytest.mark.django_db
class TestFailStale:
    @pytest.mark.parametrize(
        ("status", "limit", "error"),
        [(Status.PENDING, 60 * MINUTE, WAITED), (Status.RUNNING, 30 * MINUTE, SILENT)],
    )
    def test_one_that_waited_or_was_silent_for_too_long_has_failed(
        self, status: Status, limit: timedelta, error: str
    ) -> None:
        patient, late = task(status, limit), task(status, limit + INSTANT, id="late")
        assert fail_stale(NOW) == [Stale("late", error)]
        patient.refresh_from_db()
        late.refresh_from_db()
        assert patient.status == status
        assert (late.status, late.error) == (Status.FAILED, error)
        assert late.finished_at
        assert [line.message for line in late.activity.all()] == [f"Failed: {error}"]

    @pytest.mark.parametrize("status", FINISHED)
    def test_one_that_finished_is_left_as_it_is(self, status: Status) -> None:
        task(status, timedelta(days=9), pid=NOBODY, **HERE)
        assert fail_stale(NOW) == []

    def test_waiting_counts_from_the_creation_and_silence_from_the_last_news(self) -> None:
        task(Status.PENDING, 61 * MINUTE, updated_at=NOW)
        task(Status.RUNNING, 99 * MINUTE, updated_at=NOW - 29 * MINUTE)
        assert [each.error for each in fail_stale(NOW)] == [WAITED]

    def test_the_limits_are_chosen(self) -> None:
        task(Status.PENDING, 2 * MINUTE, id="a")
        task(Status.RUNNING, 3 * MINUTE, id="b")
        assert fail_stale(NOW, Patience(pending=MINUTE, silent=2 * MINUTE)) == [
            Stale("a", "Pending for more than 1 min: no worker took it up."),
            Stale("b", "[timeout] No news for more than 2 min."),
        ]

    def test_nothing_could_be_heard_while_nobody_listened(self) -> None:
        task(Status.PENDING, timedelta(days=1), id="a")
        task(Status.RUNNING, timedelta(days=1), id="b")
        for since, errors in [(30, []), (31, [SILENT]), (61, [WAITED])]:
            patience = Patience(listening_since=NOW - since * MINUTE)
            assert [each.error for each in fail_stale(NOW, patience)] == errors

    def test_one_whose_process_on_this_host_has_died_has_failed(self) -> None:
        task(Status.RUNNING, 2 * MINUTE, id="a", pid=NOBODY, **HERE)
        assert fail_stale(NOW) == [Stale("a", DIED)]

    def test_a_process_that_died_just_now_may_still_be_heard(self) -> None:
        task(Status.RUNNING, MINUTE, pid=NOBODY, **HERE)
        assert fail_stale(NOW) == []

    @pytest.mark.parametrize(
        "fields",
        [
            {"pid": NOBODY, "host": ""},
            {"pid": NOBODY, "host": "elsewhere.example.org"},
            {"pid": None, **HERE},
            {"pid": 0, **HERE},
            {"pid": -NOBODY, **HERE},
            {"pid": os.getpid(), **HERE},
        ],
    )
    def test_a_process_that_lives_or_cannot_be_judged_goes_on(self, fields: dict[str, Any]) -> None:
        task(Status.RUNNING, 2 * MINUTE, **fields)
        assert fail_stale(NOW) == []

    def test_a_number_given_to_a_later_process_saves_nobody(self) -> None:
        task(Status.RUNNING, 2 * MINUTE, pid=os.getpid(), started_at=NOW, **HERE)
        (found,) = fail_stale(NOW)
        assert found.error == f"[dead_process] Process {os.getpid()} ended without a report."

    def test_a_dry_run_finds_the_same_and_changes_nothing(self) -> None:
        task(Status.PENDING, 61 * MINUTE)
        task(Status.RUNNING, 31 * MINUTE)
        task(Status.RUNNING, 2 * MINUTE, pid=NOBODY, **HERE)
        before = list(Task.objects.order_by("id").values())
        found = fail_stale(NOW, dry_run=True)
        assert list(Task.objects.order_by("id").values()) == before
        assert fail_stale(NOW) == found
        assert len(found) == 3

    def test_one_that_makes_trouble_stops_none_of_the_others(
        self, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        for id in "abc":
            task(Status.PENDING, 61 * MINUTE, id=id)
        fail = Task.fail

        def troubled(row: Task, error: str) -> None:
            fail(row, error)
            if row.id == "b":
                raise ValueError("no\nmore")

        monkeypatch.setattr(Task, "fail", troubled)
        found = fail_stale(NOW)
        assert found == [Stale("a", WAITED), Stale("b", trouble="no more"), Stale("c", WAITED)]
        assert [row.status for row in Task.objects.order_by("id")] == [
            "failed",
            "pending",
            "failed",
        ]
        assert "Task 'b' could not be said to have failed" in caplog.text

    def test_a_database_that_does_not_answer_is_not_asked_again(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        task(Status.PENDING, 61 * MINUTE)

        def locked(row: Task, error: str) -> None:
            raise OperationalError("database is locked")

        monkeypatch.setattr(Task, "fail", locked)
        with pytest.raises(OperationalError):
            fail_stale(NOW)

    def test_one_deleted_in_the_meantime_is_nobodys_concern(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        gone = task(Status.PENDING, 61 * MINUTE, id="gone")
        monkeypatch.setattr(stale, "_suspects", lambda now, patience: [gone])
        Task.objects.all().delete()
        assert fail_stale(NOW) == []


@pytest.mark.django_db(transaction=True)
class TestNewsInTheMeantime:
    """An agent reports between the look at all tasks and the step of one."""

    def while_news_arrive(self, tell: Callable[[], None], monkeypatch: pytest.MonkeyPatch) -> Any:
        """What fail_stale finds while the agent's transaction, begun before, is still open."""
        told, looked = threading.Event(), threading.Event()
        look = stale._suspects

        def agent() -> None:
            with transaction.atomic():
                tell()
                told.set()
                assert looked.wait(10)
            connection.close()

        def looking(now: datetime, patience: Patience) -> list[Task]:
            found = look(now, patience)
            assert [each.id for each in found] == ["a"]
            looked.set()
            return found

        monkeypatch.setattr(stale, "_suspects", looking)
        thread = threading.Thread(target=agent)
        thread.start()
        assert told.wait(10)
        found = fail_stale(NOW)
        thread.join(10)
        return found

    @pytest.mark.parametrize("fields", [{}, {"pid": NOBODY, **HERE}])
    def test_they_keep_it_running(
        self, monkeypatch: pytest.MonkeyPatch, fields: dict[str, Any]
    ) -> None:
        task(Status.RUNNING, 31 * MINUTE, id="a", **fields)
        found = self.while_news_arrive(lambda: Task.objects.heard("a", NOW), monkeypatch)
        assert found == []
        assert Task.objects.get().status == Status.RUNNING
        assert not Activity.objects.exists()

    def test_a_good_end_stays_one(self, monkeypatch: pytest.MonkeyPatch) -> None:
        one = task(Status.RUNNING, 31 * MINUTE, id="a")
        assert self.while_news_arrive(lambda: one.complete("done"), monkeypatch) == []
        assert Task.objects.get().status == Status.COMPLETED

    def test_a_worker_that_takes_it_up_keeps_it(self, monkeypatch: pytest.MonkeyPatch) -> None:
        one = task(Status.PENDING, 61 * MINUTE, id="a")
        assert self.while_news_arrive(lambda: one.start(), monkeypatch) == []
        assert Task.objects.get().status == Status.RUNNING
