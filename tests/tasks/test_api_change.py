from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from tasks.models import Activity, Task
from tasks.reporting import report

pytestmark = pytest.mark.django_db
TIME = datetime(2026, 3, 1, 12, tzinfo=UTC)
LATER = "2026-03-01T12:05:00Z"


@pytest.fixture(autouse=True)
def task() -> None:
    report(task_id="t1", at=TIME, status="running", description="Fix it")


def patch(client: Client, task_id: str = "t1", **body: Any) -> Any:
    return client.patch(f"/api/tasks/{task_id}", body, content_type="application/json")


def rows() -> list[Any]:
    return [list(Task.objects.values()), list(Activity.objects.order_by("pk").values())]


class TestChangeTask:
    def test_a_status_is_told(self, agent: Client) -> None:
        response = patch(agent, status="completed", result="done", at=LATER)
        assert response.status_code == 200
        assert response.json() == {"task_id": "t1", "status": "completed", "updated_at": LATER}
        assert Task.objects.get().result == "done"

    def test_it_leaves_the_rows_that_a_report_leaves(self, agent: Client) -> None:
        told: dict[str, Any] = {
            "status": "failed",
            "error": "No such file: a.py",
            "message": "gave up",
            "phase": "tests",
            "phase_number": 3,
            "model": "opus",
            "pid": 7,
            "host": "box",
            "output_lines": 4,
            "metadata": {"exit": 1},
            "event_id": "e1",
        }
        patch(agent, **told, at=LATER)
        by_api = rows()
        Task.objects.all().delete()
        report(task_id="t1", at=TIME, status="running", description="Fix it")
        report(task_id="t1", **told, at=datetime.fromisoformat(LATER))
        in_process = rows()
        for line in (*by_api[1], *in_process[1]):
            del line["id"]
        assert by_api == in_process
        assert Task.objects.get().error_category == "file_not_found"

    def test_late_news_changes_no_later_state(self, agent: Client) -> None:
        patch(agent, status="completed", at=LATER)
        response = patch(agent, status="failed", error="boom", at="2026-03-01T12:01:00Z")
        assert response.json()["status"] == "completed"
        assert Activity.objects.filter(status="failed").exists()

    def test_a_finished_task_may_run_again(self, agent: Client) -> None:
        patch(agent, status="completed", at=LATER)
        assert patch(agent, status="running").json()["status"] == "running"

    @pytest.mark.parametrize(
        "told",
        [
            {"status": "completed", "result": "done", "at": LATER},
            {"status": "completed", "result": "done"},
            {"status": "failed", "error": "boom", "message": "gave up", "phase": "tests"},
            {"status": "stopped", "event_id": "e1"},
            {"status": "failed", "error": "at ghp_" + "a1B2" * 9},
        ],
    )
    def test_a_repeat_changes_nothing(self, agent: Client, told: dict[str, Any]) -> None:
        first = patch(agent, **told)
        before = rows()
        assert patch(agent, **told).json() == first.json()
        assert rows() == before

    def test_a_status_told_again_with_other_words_is_news(self, agent: Client) -> None:
        patch(agent, status="failed", error="boom")
        patch(agent, status="failed", error="bang")
        assert Task.objects.get().error == "bang"
        assert Activity.objects.filter(status="failed").count() == 2

    def test_another_line_for_a_status_is_news(self, agent: Client) -> None:
        for message in ("step 1", "step 2", "step 2"):
            patch(agent, status="running", message=message)
        assert [line.message for line in Activity.objects.order_by("time")] == [
            "",
            "step 1",
            "step 2",
        ]

    @pytest.mark.parametrize("told", [{}, {"status": "running"}])
    def test_what_says_nothing_new_is_a_sign_of_life(
        self, agent: Client, told: dict[str, Any]
    ) -> None:
        before = rows()
        assert datetime.fromisoformat(patch(agent, **told).json()["updated_at"]) > TIME
        after = rows()
        after[0][0]["updated_at"] = TIME
        assert after == before

    def test_a_phase_is_a_fact_and_no_line(self, agent: Client) -> None:
        patch(agent, phase="tests", phase_number=2)
        task = Task.objects.get()
        assert (task.phase, task.phase_number, task.activity.count()) == ("tests", 2, 1)

    def test_the_id_may_carry_the_prefix(self, agent: Client) -> None:
        assert patch(agent, "task_t1", phase="tests").json()["task_id"] == "t1"

    def test_an_id_that_begins_with_the_prefix_goes_before(self, agent: Client) -> None:
        report(task_id="task_t1", at=TIME)
        assert patch(agent, "task_t1", phase="tests").json()["task_id"] == "task_t1"

    @pytest.mark.parametrize("task_id", ["nix", "task_", "a%00b", "x" * 99])
    def test_an_unknown_task_is_not_found(self, agent: Client, task_id: str) -> None:
        response = patch(agent, task_id, status="completed")
        assert response.status_code == 404
        assert response.json() == {"error": "Task not found"}
        assert Task.objects.count() == 1

    @pytest.mark.parametrize(
        ("body", "error"),
        [
            ({"state": "failed"}, "unknown field `state`"),
            ({"status": "pending"}, "`$.status`"),
            ({"status": 1}, "`$.status`"),
            ({"error": "boom"}, "error: belongs to a status"),
            ({"result": "done"}, "result: belongs to a status"),
            ({"at": "2026-03-01T12:00:00"}, "`$.at`"),
            ({"phase_number": 1.5}, "`$.phase_number`"),
            ({"metadata": [1]}, "`$.metadata`"),
            ({"event_id": "a\tb"}, "event_id: holds a character"),
        ],
    )
    def test_what_cannot_be_right_is_refused(
        self, agent: Client, body: dict[str, Any], error: str
    ) -> None:
        before = rows()
        response = patch(agent, **body)
        assert response.status_code == 400
        assert error in response.json()["error"]
        assert rows() == before

    def test_it_takes_few_queries(
        self, agent: Client, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        with django_assert_num_queries(13):
            patch(agent, status="failed", error="boom", phase="tests")
        with django_assert_num_queries(7):
            patch(agent, status="failed", error="boom", phase="tests")
