"""The figures of the tools, and changes of state."""

from datetime import timedelta

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from sessions.models import ToolCall
from tasks.models import Activity, Task
from tasks.reporting import report
from tests.monitor.api.asking import BAD_HOURS, get, refused, told
from tests.monitor.api.nothing import NO_CALLS
from tests.monitor.api.telling import DAY, HOUR, ended
from tests.monitor.cast import NOW, ago, begun, called, task, tell

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]


class TestTools:
    def test_its_figures_are_those_of_the_rows(self, reader: Client) -> None:
        tell(
            [
                called(1, 9, duration_ms=100),
                called(2, 8, duration_ms=400, success=False),
                called(3, 7),
                begun(4, 6),
                called(5, 5, tool_name="Read", success=False),
                called(6, 2 * DAY, duration_ms=10**6),
            ]
        )
        answer = get(reader, "metrics/tools")
        del answer["agent_status"]
        assert answer == {
            "time_window_hours": 24,
            "total_tool_calls": 5,
            "tools_breakdown": {"Bash": 4, "Read": 1},
            "most_used_tools": [
                {"tool": "Bash", "count": 4, "success_rate": 75, "avg_duration_ms": 250},
                {"tool": "Read", "count": 1, "success_rate": 0, "avg_duration_ms": None},
            ],
        }

    @pytest.mark.parametrize("hours", [1, 23, 24, 25, 36, 48, 60, 87_840])
    def test_a_window_counts_what_the_calls_say(self, reader: Client, hours: int) -> None:
        tell(
            called(n, 97 * n, tool_name=f"T{n % 3}", success=n % 5 > 0, duration_ms=n)
            for n in range(50)
        )
        start = NOW.replace(second=0) - timedelta(hours=hours)
        calls = [call for call in ToolCall.objects.all() if call.started_at >= start]
        answer = get(reader, f"metrics/tools?hours={hours}")
        assert answer["total_tool_calls"] == len(calls)
        for tool in answer["most_used_tools"]:
            mine = [call for call in calls if call.tool_name == tool["tool"]]
            good = [call for call in mine if call.success]
            mean = sum(call.duration_ms or 0 for call in mine) / len(mine)
            assert tool["count"] == len(mine)
            assert float(tool["success_rate"]) == pytest.approx(100 * len(good) / len(mine))
            assert float(tool["avg_duration_ms"]) == pytest.approx(mean)

    def test_ten_tools_are_told_of_and_all_broken_down(self, reader: Client) -> None:
        tell(called(n, tool_name=f"Tool {n % 12:02}") for n in range(30))
        answer = get(reader, "metrics/tools")
        assert len(answer["tools_breakdown"]) == 12
        assert [row["tool"] for row in answer["most_used_tools"]] == [
            f"Tool {n:02}" for n in range(10)
        ]

    def test_changes_of_state_are_those_of_the_window(self, reader: Client) -> None:
        ended("t1", "failed", 3 * DAY, HOUR)
        report(task_id="t1", at=ago(1), message="no change")
        ended("t2", "completed", 2 * HOUR, HOUR / 2)
        status = get(reader, "metrics/tools")["agent_status"]
        changes = status.pop("recent_changes")
        assert status == {
            "total_status_changes": 3,
            "by_status": {"completed": 1, "failed": 1, "running": 1},
        }
        assert [(row["task_id"], row["status"]) for row in changes] == [
            ("t2", "completed"),
            ("t1", "failed"),
            ("t2", "running"),
        ]
        assert changes[0]["timestamp"] == told(ago(HOUR / 2))
        assert set(changes[0]) == {"timestamp", "task_id", "status", "message"}

    def test_the_last_ten_changes_are_told_and_all_counted(self, reader: Client) -> None:
        one = task("t1")
        Activity.objects.all().delete()
        for minute in range(15):
            one.activity.create(time=ago(minute), status="tool_call", message=f"{minute}")
        Task.objects.update(updated_at=NOW)
        status = get(reader, "metrics/tools")["agent_status"]
        assert (status["total_status_changes"], status["by_status"]) == (15, {"tool_call": 15})
        assert [row["message"] for row in status["recent_changes"]] == [str(n) for n in range(10)]

    def test_it_is_zero_where_there_is_nothing(self, reader: Client) -> None:
        assert get(reader, "metrics/tools") == NO_CALLS

    @pytest.mark.parametrize("query", BAD_HOURS)
    def test_bad_hours_are_refused(self, reader: Client, query: str) -> None:
        assert "hours" in refused(reader, f"metrics/tools?{query}")

    @pytest.mark.parametrize("count", [1, 30])
    def test_it_asks_as_much_for_many_as_for_one(
        self, reader: Client, count: int, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        tell(called(n, n, tool_name=f"T{n}") for n in range(count))
        with django_assert_num_queries(4):  # the key, sums of calls, two of changes
            get(reader, "metrics/tools")
