from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from model_bakery import baker

from costs import ledger
from monitor.overview import VERSION, Overview, overview, version
from monitor.periods import Period
from sessions.models import Session, ToolCall
from tasks.models import Status, Task

NOW = datetime(2026, 3, 29, 12, 34, 56, tzinfo=UTC)
DAY = Period.parse("24h", NOW)
RECENT, OLD = NOW - timedelta(hours=2), NOW - timedelta(days=3)


def record(timestamp: datetime = RECENT, **fields: Any) -> None:
    ledger.record_usage(
        **{"user_id": "1", "model": "claude-haiku-4-5", "input_tokens": 1_000_000}
        | {"output_tokens": 0, "timestamp": timestamp}
        | fields
    )


def session(at: datetime) -> Session:
    return baker.make(Session, started_at=at, last_activity_at=at)


def call(at: datetime) -> ToolCall:
    return baker.make(ToolCall, session=session(at), started_at=at)


class TestOverview:
    @pytest.mark.django_db
    def test_it_counts_what_the_period_holds(self) -> None:
        for at in (RECENT, OLD):
            record(at)
            call(at)
            baker.make(Task, status=Status.FAILED, created_at=at, finished_at=at)
            baker.make(Task, status=Status.COMPLETED, created_at=at, finished_at=at)
            baker.make(Task, status=Status.RUNNING, created_at=at)
        assert overview(DAY) == Overview(
            errors=1,
            total_tasks=3,
            completed=1,
            failed=1,
            cost_nano=1_000_000_000,
            requests=1,
            tool_calls=1,
            sessions=1,
        )
        assert overview(Period.parse("7d", NOW)).total_tasks == 6

    @pytest.mark.django_db
    def test_all_counts_what_is_dated_in_the_future(self) -> None:
        record(NOW + timedelta(days=400))
        assert overview(DAY).requests == 0
        assert overview(Period.parse("all", NOW)).requests == 1

    @pytest.mark.django_db
    def test_it_is_blank_where_nothing_happened(self) -> None:
        assert overview(DAY).is_blank
        record(cost=0)
        assert not overview(DAY).is_blank

    @pytest.mark.parametrize(
        ("completed", "failed", "rate"), [(0, 0, None), (0, 2, 0.0), (3, 1, 0.75), (2, 0, 1.0)]
    )
    def test_the_success_rate_is_of_what_finished(
        self, completed: int, failed: int, rate: float | None
    ) -> None:
        figures = Overview(failed, 9, completed, failed, 0, 0, 0, 0)
        assert figures.success_rate == rate


def finish() -> None:
    task = Task.objects.get(id="known")
    task.status, task.finished_at = Status.FAILED, RECENT
    task.save()


CHANGES: list[Callable[[], Any]] = [
    record,
    lambda: record(OLD),
    lambda: baker.make(Task),
    finish,
    lambda: Task.objects.get(id="known").delete(),
    lambda: session(RECENT),
    lambda: call(RECENT),
]


class TestVersion:
    @pytest.mark.django_db(transaction=True)
    @pytest.mark.parametrize("change", CHANGES)
    def test_it_changes_with_every_figure(self, change: Callable[[], Any]) -> None:
        baker.make(Task, id="known")
        record(OLD)
        before = version()
        assert version() == before
        change()
        assert version() != before

    @pytest.mark.django_db(transaction=True)
    def test_it_changes_when_pruning_may_widen_a_window(self) -> None:
        record(OLD)
        ledger.seal()
        before = version()
        list(ledger.prune(NOW))
        assert version() != before

    @pytest.mark.django_db
    def test_it_asks_one_question(self, django_assert_num_queries: Any) -> None:
        with django_assert_num_queries(1):
            version()

    @pytest.mark.django_db
    def test_it_reads_no_table_from_end_to_end(self) -> None:
        if connection.vendor != "sqlite":
            pytest.skip("PostgreSQL asks no table at all")
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN QUERY PLAN {VERSION['sqlite']}")
            steps = {row[3] for row in cursor.fetchall()}
        # Tasks alone are counted, and in the smallest index.
        assert {step for step in steps if step.startswith("SCAN") and "CONSTANT" not in step} == {
            "SCAN tasks_task USING COVERING INDEX task_last_change"
        }
