from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from model_bakery import baker

from costs import ledger
from monitor.overview import Overview, overview
from monitor.periods import Period
from sessions.events import ToolStarted
from sessions.recording import record as record_events
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


def call(at: datetime) -> None:
    key = f"of {at}"
    record_events([ToolStarted(session_key=key, at=at, tool_use_id="1", tool_name="Bash")])


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
