"""The figures of all that goes on, and who may read figures."""

from unittest.mock import patch

import pytest
from django.test import Client

from tasks.reporting import report
from tests.monitor.api.asking import BAD_HOURS, IT_IS, get, refused, told
from tests.monitor.api.nothing import NO_CALLS, NO_TASKS, NOBODY
from tests.monitor.api.telling import DAY, HOUR, ended, spent
from tests.monitor.cast import ago, called, task, tell

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]


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


@pytest.mark.parametrize(
    "path",
    ["metrics/overview", "metrics/claude-api", "metrics/tasks", "metrics/tools"],
)
def test_nobody_reads_figures_without_a_key(client: Client, path: str) -> None:
    assert client.get(f"/api/{path}").status_code == 401
