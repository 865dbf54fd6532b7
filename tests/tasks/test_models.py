from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError
from model_bakery import baker

from tasks.models import Status, Task

START = datetime(2026, 3, 1, tzinfo=UTC)
END = START + timedelta(days=1)
INSTANT = timedelta(microseconds=1)

pytestmark = pytest.mark.django_db


def task(**fields: Any) -> Task:
    return baker.make(Task, **fields)


class TestTask:
    def test_it_makes_its_own_id_where_none_is_given(self) -> None:
        assert task().id != task().id

    def test_it_keeps_a_given_id(self) -> None:
        assert task(id="a1b2c3").id == "a1b2c3"

    def test_it_refuses_an_unknown_status(self) -> None:
        with pytest.raises(IntegrityError, match="finished_has_time"):
            task(status="lost", finished_at=None)

    @pytest.mark.parametrize("status", [Status.COMPLETED, Status.FAILED, Status.STOPPED])
    def test_it_refuses_an_end_without_a_time(self, status: Status) -> None:
        with pytest.raises(IntegrityError, match="finished_has_time"):
            task(status=status, finished_at=None)

    @pytest.mark.parametrize("status", [Status.PENDING, Status.RUNNING])
    def test_it_refuses_a_time_without_an_end(self, status: Status) -> None:
        with pytest.raises(IntegrityError, match="finished_has_time"):
            task(status=status, finished_at=END)


class TestBetween:
    def test_created_includes_the_start_and_excludes_the_end(self) -> None:
        first, last = task(created_at=START), task(created_at=END - INSTANT)
        task(created_at=START - INSTANT)
        task(created_at=END)
        assert set(Task.objects.created_between(START, END)) == {first, last}

    def test_failed_and_completed_go_by_the_time_of_the_end(self) -> None:
        old = START - timedelta(days=9)
        failed = task(status=Status.FAILED, created_at=old, finished_at=START)
        completed = task(status=Status.COMPLETED, created_at=old, finished_at=END - INSTANT)
        task(status=Status.STOPPED, created_at=START, finished_at=START)
        task(status=Status.FAILED, created_at=START, finished_at=END)
        assert set(Task.objects.failed_between(START, END)) == {failed}
        assert set(Task.objects.completed_between(START, END)) == {completed}
