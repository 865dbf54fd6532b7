import json
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from costs.ledger import record_usage
from monitor.api.snapshot import snapshot
from tests.monitor.api.asking import IT_IS, get
from tests.monitor.cast import ago, begun, called, task, tell

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]


def decoded(hours: int = 24) -> Any:
    return json.loads(snapshot(hours), parse_float=Decimal)


def steady(overview: Any) -> Any:
    """Without what the machine does meanwhile."""
    for name in ("disk_space", "data_file_sizes_mb"):
        assert overview["system_health"].pop(name)
    return overview


def fill(count: int) -> None:
    for number in range(count):
        task(f"t{number}", at=number).activity.create(time=ago(number), message="x")
        tell([begun(number, 1, session_key=f"s{number}", task_id=f"t{number}")])
        tell([called(number, 1, session_key=f"cli{number}", task_id="", tool_name=f"T{number}")])
        record_usage(
            user_id=f"u{number}",
            model=f"m{number}",
            input_tokens=1,
            output_tokens=1,
            cost=Decimal("0.000000001"),
            timestamp=ago(number),
        )


class TestSnapshot:
    @pytest.mark.parametrize("hours", [1, 24, 168])
    def test_it_tells_what_the_routes_tell(self, reader: Client, hours: int) -> None:
        fill(12)
        answer = decoded(hours)
        steady(answer["overview"])
        assert answer == {
            "overview": steady(get(reader, f"metrics/overview?hours={hours}")),
            "sessions": get(reader, f"metrics/claude-sessions?hours={hours}"),
            "activity": get(reader, "tasks/activity")["activity"],
            "timestamp": IT_IS,
        }

    def test_it_is_one_line_with_money_as_exact_numbers(self) -> None:
        fill(1)
        told = snapshot(24)
        assert b"\n" not in told
        assert b'"recent_cost":1E-9' in told or b'"recent_cost":0.000000001' in told

    def test_everything_is_there_where_nothing_happened(self) -> None:
        told = decoded()
        assert set(told) == {"overview", "sessions", "activity", "timestamp"}
        assert (told["activity"], told["sessions"]["total_sessions"]) == ([], 0)

    @pytest.mark.parametrize("count", [1, 30])
    def test_it_asks_as_much_for_many_as_for_one(
        self, count: int, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        fill(count)
        # Tasks 6, calls 3, changes 2, health 4 (PostgreSQL tells its size in one more), cost 6,
        # sessions 2, activity 4.
        with django_assert_num_queries(25 + (connection.vendor == "postgresql")):
            snapshot(24)
