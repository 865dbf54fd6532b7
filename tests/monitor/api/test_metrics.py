import json
from datetime import datetime, timedelta
from decimal import Decimal
from unittest.mock import patch

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries
from pytest_django.fixtures import Settings

from costs import ledger
from costs.limits import set_user_limits
from costs.models import CostRecord
from costs.statistics import usage_stats
from sessions.models import ToolCall
from tasks.models import Activity, Task
from tasks.reporting import report
from tests.monitor.api.asking import BAD_HOURS, IT_IS, get, refused, told
from tests.monitor.api.telling import ended, spent
from tests.monitor.cast import NOW, ago, begun, called, task, tell

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]

HOUR, DAY = 60, 24 * 60  # minutes
NOBODY = {
    "total_cost": 0,
    "total_requests": 0,
    "recent_hours": 24,
    "recent_requests": 0,
    "recent_cost": 0,
    "model_breakdown": {},
}
NO_TASKS = {
    "total_tasks": 0,
    "by_status": dict.fromkeys(("pending", "running", "stopped", "failed", "completed"), 0),
    "success_rate": 0,
    "recent_24h": {"total": 0, "completed": 0, "failed": 0, "tasks": []},
}
NO_CALLS = {
    "time_window_hours": 24,
    "total_tool_calls": 0,
    "tools_breakdown": {},
    "most_used_tools": [],
    "agent_status": {"total_status_changes": 0, "by_status": {}, "recent_changes": []},
}


class TestTasks:
    def test_its_figures_are_those_of_the_rows(self, reader: Client) -> None:
        ended("old failure", "failed", 3 * DAY, 2 * DAY)
        ended("late failure", "failed", 3 * DAY, HOUR)
        ended("success", "completed", 2 * HOUR, HOUR)
        ended("old success", "completed", 3 * DAY, 2 * DAY)
        ended("another", "completed", 3 * DAY, 2 * DAY)
        ended("stopped", "stopped", 2 * HOUR, HOUR)
        task("pending", "pending", HOUR)
        answer = get(reader, "metrics/tasks")
        recent = answer.pop("recent_24h")
        tasks = recent.pop("tasks")
        assert answer == {
            "total_tasks": 7,
            "by_status": {"pending": 1, "running": 0, "stopped": 1, "failed": 2, "completed": 3},
            "success_rate": 60,
        }
        assert recent == {"total": 3, "completed": 1, "failed": 1}
        assert tasks[0]["task_id"] == "pending"
        assert len(tasks) == 7

    def test_the_newest_twenty_are_told_with_what_they_do_now(self, reader: Client) -> None:
        for number in range(25):
            task(f"t{number}", at=number)
        report(task_id="t0", at=NOW, description="d" * 150, user_id="7", model="opus")
        report(task_id="t0", at=NOW, agent_type="orchestrator", last_agent_type="git")
        tell([begun(1, 1, task_id="t0"), called(2, 1, task_id="t0")])
        tell(
            [
                begun(3, session_key="s3", task_id="t24"),
                begun(4, 31, session_key="s4", task_id="t1"),
            ]
        )
        tasks = get(reader, "metrics/tasks")["recent_24h"]["tasks"]
        assert [row["task_id"] for row in tasks] == [f"t{n}" for n in range(20)]
        parameters = tasks[0]["tool_usage"][0].pop("parameters")
        assert json.loads(parameters) == {"command": "make step-1"}
        assert tasks[1]["tool_usage"] == []  # its session is over
        assert tasks[0] == {
            "task_id": "t0",
            "user_id": "7",
            "description": "d" * 100,
            "status": "running",
            "created_at": IT_IS,
            "updated_at": IT_IS,
            "model": "opus",
            "agent_type": "orchestrator",
            "last_agent_type": "git",
            "tool_usage": [
                {
                    "tool_name": "Bash",
                    "timestamp": told(ago(1)),
                    "duration_ms": None,
                    "success": None,
                    "error": None,
                }
            ],
        }

    def test_it_is_zero_where_there_is_nothing(self, reader: Client) -> None:
        assert get(reader, "metrics/tasks") == NO_TASKS

    @pytest.mark.parametrize("count", [1, 30])
    def test_it_asks_as_much_for_many_as_for_one(
        self, reader: Client, count: int, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        for number in range(count):
            task(f"t{number}")
            tell([begun(number, session_key=f"s{number}", task_id=f"t{number}")])
        with django_assert_num_queries(7):  # the key, states, tasks, calls, three of the day
            get(reader, "metrics/tasks")


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


class TestOverview:
    def test_it_is_made_of_what_other_routes_tell(self, reader: Client) -> None:
        ended("t1", "failed", 3 * DAY, HOUR)
        tell([called(n, success=n > 1) for n in range(4)])
        spent("7", HOUR)
        for hours in (24, 168):
            answer = get(reader, f"metrics/overview?hours={hours}")
            costs = get(reader, f"metrics/claude-api?hours={hours}")
            del costs["by_user"]
            assert answer["timestamp"] == IT_IS
            assert answer["task_statistics"] == get(reader, "metrics/tasks")
            assert answer["tool_usage"] == get(reader, f"metrics/tools?hours={hours}")
            assert answer["claude_api_usage"] == costs

    def test_the_system_is_well_where_there_is_nothing(self, reader: Client) -> None:
        answer = get(reader, "metrics/overview")
        assert answer["task_statistics"] == NO_TASKS
        assert answer["tool_usage"] == NO_CALLS
        assert answer["claude_api_usage"] == NOBODY
        health = answer["system_health"]
        assert sum(health.pop("data_file_sizes_mb").values()) > 0
        assert set(health.pop("disk_space")) == {
            "total_gb",
            "used_gb",
            "free_gb",
            "percent_used",
            "warning",
            "critical",
        }
        assert health == {
            "active_tasks_count": 0,
            "recent_errors_24h": 0,
            "recent_errors": [],
            "timestamp": IT_IS,
        }

    def test_all_errors_count_and_ten_are_told_by_when_they_happened(self, reader: Client) -> None:
        for number in range(15):
            report(task_id=f"t{number}", at=ago(9 * DAY), status="running")
            report(task_id=f"t{number}", at=ago(number), status="failed", error="e" * 300)
        ended("old", "failed", 3 * DAY, 2 * DAY)
        ended("stopped", "stopped", 3, 2)
        health = get(reader, "metrics/overview")["system_health"]
        assert health["recent_errors_24h"] == 15
        assert [row["task_id"] for row in health["recent_errors"]] == [f"t{n}" for n in range(10)]
        assert health["recent_errors"][1] == {
            "task_id": "t1",
            "timestamp": told(ago(1)),
            "error": "e" * 200,
        }

    def test_active_are_unfinished_tasks_and_sessions_on_their_own(self, reader: Client) -> None:
        task("old", "running", 9 * DAY)
        task("pending", "pending")
        ended("done", "completed", 3, 2)
        tell([called(1, 1, session_key="of a task", task_id="old")])
        tell([called(2, 1, session_key="alone", task_id="")])
        tell([called(3, 1, session_key="sub", task_id="", parent_key="alone")])
        tell([called(4, 9, session_key="idle", task_id="")])
        assert get(reader, "metrics/overview")["system_health"]["active_tasks_count"] == 3

    def test_a_disk_that_does_not_tell_spoils_nothing_else(self, reader: Client) -> None:
        with patch("shutil.disk_usage", side_effect=OSError("/srv/secret")):
            answer = get(reader, "metrics/overview")
        assert answer["system_health"]["disk_space"] == {"error": "The disk does not tell."}

    @pytest.mark.parametrize("query", BAD_HOURS)
    def test_bad_hours_are_refused(self, reader: Client, query: str) -> None:
        assert "hours" in refused(reader, f"metrics/overview?{query}")


class TestClaudeApi:
    def test_its_figures_are_those_of_all_records(self, reader: Client) -> None:
        spent("7", 1, "0.000000001")
        spent("7", 2 * DAY, "2.5", model="opus")
        spent("8", 2, "1")
        answer = get(reader, "metrics/claude-api")
        users = answer.pop("by_user")
        assert answer == {
            "total_cost": Decimal("3.500000001"),
            "total_requests": 3,
            "recent_hours": 24,
            "recent_requests": 2,
            "recent_cost": Decimal("1.000000001"),
            "model_breakdown": {
                "haiku": {
                    "requests": 2,
                    "cost": Decimal("1.000000001"),
                    "input_tokens": 6,
                    "output_tokens": 4,
                },
                "opus": {
                    "requests": 1,
                    "cost": Decimal("2.5"),
                    "input_tokens": 3,
                    "output_tokens": 2,
                },
            },
        }
        assert list(users) == ["7", "8"]

    @pytest.mark.parametrize("zone", ["UTC", "Pacific/Auckland"])
    def test_each_user_is_told_as_usage_stats_tells(
        self, reader: Client, settings: Settings, zone: str
    ) -> None:
        settings.TIME_ZONE = zone
        times = [1, 50, 20 * HOUR, 25 * HOUR, 8 * DAY, 40 * DAY]
        for number, (user, at) in enumerate((user, at) for user in "abcd" for at in times):
            session = f"s{number % 2} of {user}" if user in "ab" else ""
            spent(user, at + ord(user) % 3, f"0.{number + 1}", session_key=session)
        spent("b", 0, session_key="")
        spent("c", 0, session_key="s0 of a")
        set_user_limits("a", daily=Decimal("2"), monthly=0)
        set_user_limits("b", monthly=Decimal("0.5"))
        ledger.seal()
        users = get(reader, "metrics/claude-api")["by_user"]
        assert set(users) == set("abcd")
        for user, told_of in users.items():
            stats = usage_stats(user)
            reset = datetime.fromisoformat(stats.pop("last_reset"))
            assert datetime.fromisoformat(told_of.pop("last_reset")) == reset
            for key, value in stats.items():
                if isinstance(value, float):
                    assert float(told_of.pop(key)) == pytest.approx(value)
                else:
                    assert told_of.pop(key) == value, (user, key)
            assert told_of == {}

    def test_at_most_the_hundred_dearest_users_are_told_of(self, reader: Client) -> None:
        for number in range(103):
            spent(f"u{number:03}", 1, str(number))
        users = get(reader, "metrics/claude-api")["by_user"]
        assert list(users) == [f"u{n:03}" for n in range(102, 2, -1)]

    def test_what_was_pruned_still_counts(self, reader: Client) -> None:
        spent("7", 40 * DAY, "2")
        spent("7", 1, "1")
        ledger.seal()
        for _ in ledger.prune(ago(30 * DAY).replace(minute=0, second=0)):
            pass
        assert CostRecord.objects.count() == 1
        answer = get(reader, "metrics/claude-api")
        assert (answer["total_cost"], answer["total_requests"]) == (3, 2)
        assert answer["model_breakdown"]["haiku"]["cost"] == 3
        assert answer["by_user"]["7"]["total_cost"] == 3
        assert answer["by_user"]["7"]["model_breakdown"]["haiku"]["cost"] == 3

    def test_it_is_zero_where_there_is_nothing(self, reader: Client) -> None:
        assert get(reader, "metrics/claude-api") == NOBODY | {"by_user": {}}

    @pytest.mark.parametrize("query", BAD_HOURS)
    def test_bad_hours_are_refused(self, reader: Client, query: str) -> None:
        assert "hours" in refused(reader, f"metrics/claude-api?{query}")

    @pytest.mark.parametrize("count", [1, 30])
    def test_it_asks_as_much_for_many_as_for_one(
        self, reader: Client, count: int, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        for number in range(count):
            spent(f"u{number}", number, session_key=f"s{number}")
        # The key; seven sums, each between two looks at the marks; limits; two of the sessions.
        with django_assert_num_queries(25):
            get(reader, "metrics/claude-api")


@pytest.mark.parametrize(
    "path",
    ["metrics/overview", "metrics/claude-api", "metrics/tasks", "metrics/tools"],
)
def test_nobody_reads_figures_without_a_key(client: Client, path: str) -> None:
    assert client.get(f"/api/{path}").status_code == 401
