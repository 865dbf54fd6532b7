"""The figures of the tasks."""

import json

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from tasks.reporting import report
from tests.monitor.api.asking import IT_IS, get, told
from tests.monitor.api.nothing import NO_TASKS
from tests.monitor.api.telling import DAY, HOUR, ended
from tests.monitor.cast import NOW, ago, begun, called, task, tell

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]


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
