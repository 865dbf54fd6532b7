from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from costs import ledger
from costs.models import CostRecord
from sessions.models import ToolCall
from tasks.models import Task
from tests.monitor.api.asking import BAD_HOURS, get, refused, told
from tests.monitor.api.telling import ended, spent
from tests.monitor.cast import NOW, ago, called, tell

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]

Row = tuple[Any, ...]


def by_hand(start: datetime, length: timedelta, count: int) -> list[Row]:
    """The points of a series, each counted from all rows."""

    def within(time: datetime | None, place: int) -> bool:
        return time is not None and start + place * length <= time < start + (place + 1) * length

    tasks, calls = list(Task.objects.all()), list(ToolCall.objects.all())
    records = list(CostRecord.objects.all())
    return [
        (
            told(start + place * length),
            sum(t.status == "completed" and within(t.finished_at, place) for t in tasks),
            sum(t.status == "failed" and within(t.finished_at, place) for t in tasks),
            sum(within(call.started_at, place) for call in calls),
            sum(r.requests for r in records if within(r.timestamp, place)),
            sum((r.cost for r in records if within(r.timestamp, place)), Decimal(0)),
        )
        for place in range(count)
    ]


def fill(step: float) -> None:
    for number in range(60):
        at = step * number
        ended(f"t{number}", "failed" if number % 3 else "completed", at + 1, at)
        tell([called(number, at, session_key=f"s{number}", task_id="")])
        spent("7", at, f"0.00000{number + 1}", model=f"m{number % 2}")


def points(answer: dict[str, Any]) -> list[Row]:
    return [tuple(point.values()) for point in answer["data_points"]]


class TestTimeseries:
    @pytest.mark.parametrize(
        ("hours", "interval", "start"),
        [
            (24, 60, datetime(2026, 3, 28, 13, tzinfo=UTC)),
            (24, 90, datetime(2026, 3, 28, 13, 30, tzinfo=UTC)),
            (3, 1, datetime(2026, 3, 29, 9, 35, tzinfo=UTC)),
            (48, 720, datetime(2026, 3, 28, tzinfo=UTC)),
            (96, 1440, datetime(2026, 3, 26, tzinfo=UTC)),
            (25, 1440, datetime(2026, 3, 28, tzinfo=UTC)),
        ],
    )
    @pytest.mark.parametrize("seal", [False, True])
    def test_each_point_counts_what_its_span_holds(
        self, reader: Client, hours: int, interval: int, start: datetime, seal: bool
    ) -> None:
        fill(hours * 1.2)
        if seal:
            ledger.seal(ago(hours * 20).replace(second=0))
        answer = get(reader, f"metrics/timeseries?hours={hours}&interval={interval}")
        length, count = timedelta(minutes=interval), -(-hours * 60 // interval)
        assert points(answer) == by_hand(start, length, count)
        assert start + (count - 1) * length <= NOW < start + count * length
        assert (answer["time_window_hours"], answer["interval_minutes"]) == (hours, interval)

    def test_a_point_names_its_figures(self, reader: Client) -> None:
        answer = get(reader, "metrics/timeseries?hours=1")
        assert answer == {
            "time_window_hours": 1,
            "interval_minutes": 60,
            "data_points": [
                {
                    "timestamp": "2026-03-29T12:00:00Z",
                    "tasks_completed": 0,
                    "tasks_failed": 0,
                    "tool_calls": 0,
                    "requests": 0,
                    "cost": 0,
                }
            ],
        }
        assert len(get(reader, "metrics/timeseries")["data_points"]) == 24

    @pytest.mark.parametrize("interval", [7, 60, 1440])
    def test_pruned_hours_are_told_where_they_began(self, reader: Client, interval: int) -> None:
        for number in range(20):
            spent("7", number * 11)
        ledger.seal()
        for _ in ledger.prune(NOW.replace(hour=11, minute=0, second=0)):
            pass
        answer = get(reader, f"metrics/timeseries?hours=24&interval={interval}")
        assert sum(point["requests"] for point in answer["data_points"]) == 20

    @pytest.mark.parametrize(
        ("query", "words"),
        [
            ("hours=17&interval=1", "at most 1,000 are told; take 2"),
            ("hours=720&interval=1", "gives 43,200 points, of which at most 1,000 are told"),
            ("hours=720&interval=1", "take 44"),
            ("hours=1001&interval=60", "take 61"),
            ("hours=24001&interval=1440", "ask for 24,000"),
            ("hours=87840", "ask for 24,000"),
            ("interval=0", "interval"),
            ("interval=-5", "interval"),
            ("interval=1441", "interval"),
            ("interval=x", "interval"),
            *((query, "hours") for query in BAD_HOURS),
        ],
    )
    def test_too_many_points_are_refused_with_what_would_do(
        self, reader: Client, query: str, words: str
    ) -> None:
        assert words in refused(reader, f"metrics/timeseries?{query}")

    @pytest.mark.parametrize(
        "query", ["hours=16&interval=1", "hours=1000", "hours=24000&interval=1440"]
    )
    def test_up_to_a_thousand_points_are_told(
        self, reader: Client, query: str, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        with django_assert_num_queries(5):  # the key, counts, costs between two looks at the marks
            answer = get(reader, f"metrics/timeseries?{query}")
        assert 960 <= len(answer["data_points"]) <= 1000
