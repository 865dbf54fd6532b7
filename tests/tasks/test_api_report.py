from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from tasks.models import Activity, Task
from tasks.reporting import report

pytestmark = pytest.mark.django_db
TIME = datetime(2026, 3, 1, 12, tzinfo=UTC)
URL = "/api/tasks"


def post(client: Client, **body: Any) -> Any:
    return client.post(URL, body, content_type="application/json")


def rows() -> list[Any]:
    return [list(Task.objects.values()), list(Activity.objects.order_by("pk").values())]


class TestReportTask:
    def test_a_new_task_is_made_and_given_an_id(self, agent: Client) -> None:
        response = post(agent, description="Fix it", model="opus", workspace="/w", user_id="ada")
        task = Task.objects.get()
        assert response.status_code == 201
        assert response.json() == {
            "task_id": task.id,
            "status": "pending",
            "message": f"Task {task.id} is recorded; no agent is started here.",
            "workspace": "/w",
            "model": "opus",
            "agent_type": "",
        }
        assert (task.description, task.user_id, task.created_at) == (
            "Fix it",
            "ada",
            task.updated_at,
        )

    def test_the_description_goes_by_the_name_prompt_too(self, agent: Client) -> None:
        post(agent, prompt="Fix it")
        assert Task.objects.get().description == "Fix it"

    def test_it_leaves_the_rows_that_a_report_leaves(self, agent: Client) -> None:
        told: dict[str, Any] = {
            "task_id": "t1",
            "description": "Fix it",
            "status": "running",
            "agent_type": "code_agent",
            "workflow": "code-task",
            "context": "more",
            "pid": 7,
            "host": "box",
        }
        post(agent, **told, at=TIME.isoformat(), created_at=(TIME - timedelta(1)).isoformat())
        by_api = rows()
        Task.objects.all().delete()
        report(**told, at=TIME, created_at=TIME - timedelta(1))
        in_process = rows()
        for line in (*by_api[1], *in_process[1]):
            del line["id"]
        assert by_api == in_process
        assert len(by_api[1]) == 1

    @pytest.mark.parametrize(
        "times", [{}, {"at": "2026-03-01T12:00:00Z"}, {"created_at": "2026-03-01T12:00:00Z"}]
    )
    def test_a_repeat_changes_nothing(self, agent: Client, times: dict[str, str]) -> None:
        told = {"task_id": "t1", "description": "Fix it", "model": "opus", **times}
        assert post(agent, **told).status_code == 201
        before = rows()
        response = post(agent, **told)
        assert response.status_code == 200
        assert response.json()["message"].startswith("Task t1 was known")
        assert rows() == before

    def test_a_repeat_after_news_with_an_earlier_clock_changes_nothing(self, agent: Client) -> None:
        post(agent, task_id="t1", description="Fix it")
        report(task_id="t1", at=TIME, status="running", description="Fix it well")
        before = rows()
        response = post(agent, task_id="t1", description="Fix it")
        assert (response.status_code, response.json()["status"]) == (200, "running")
        assert [line["status"] for line in rows()[1]] == ["pending", "running"]
        assert rows()[0][0]["updated_at"] == before[0][0]["updated_at"]

    def test_of_a_known_task_the_latest_word_counts(self, agent: Client) -> None:
        post(agent, task_id="t1", description="old", at="2026-03-01T12:00:00Z")
        post(agent, task_id="t1", description="new", at="2026-03-01T13:00:00Z")
        post(agent, task_id="t1", description="late", at="2026-03-01T12:30:00Z")
        assert Task.objects.get().description == "new"

    def test_secrets_are_taken_out(self, agent: Client) -> None:
        secret = "ghp_" + "a1B2" * 9
        response = post(agent, description=f"use {secret}", workspace=f"https://x:{secret}@host/")
        assert secret not in str(rows())
        assert secret not in response.content.decode()

    @pytest.mark.parametrize(
        ("body", "error"),
        [
            ({}, "description: tell what the task is"),
            ({"description": "a", "prompt": "a"}, "not as both"),
            ({"description": "a", "titel": "b"}, "unknown field `titel`"),
            ({"description": 7}, "Expected `str`, got `int` - at `$.description`"),
            ({"description": "a", "pid": "7"}, "Expected `int | null`, got `str` - at `$.pid`"),
            ({"description": "a", "pid": -1}, "`$.pid`"),
            ({"description": "a", "status": "done"}, "`$.status`"),
            ({"description": "a", "at": "2026-03-01T12:00:00"}, "timezone component - at `$.at`"),
            ({"description": "a", "at": "1960-03-01T12:00:00Z"}, "at: 1960"),
            ({"description": "a", "task_id": "x" * 65}, "`$.task_id`"),
            ({"description": "a", "task_id": ".."}, "task_id: has a part"),
            ({"description": "a", "task_id": "a\0b"}, "task_id: holds a character"),
            ({"description": "a", "model": "a\0b"}, "model: holds a character"),
        ],
    )
    def test_what_cannot_be_right_is_refused(
        self, agent: Client, body: dict[str, Any], error: str
    ) -> None:
        response = post(agent, **body)
        assert response.status_code == 400
        assert error in response.json()["error"]
        assert not Task.objects.exists()

    @pytest.mark.parametrize("body", ["", "{", "[]", "null", '{"description": "\\ud800"}'])
    def test_what_is_no_object_is_refused(self, agent: Client, body: str) -> None:
        kind = {"content-type": "application/json"}
        response = agent.generic("POST", URL, body, headers=kind)
        assert response.status_code == 400
        assert response.json()["error"]

    def test_another_type_is_refused(self, agent: Client) -> None:
        response = agent.post(URL, "description=a", content_type="text/plain")
        assert response.status_code == 415

    def test_a_repeat_takes_few_queries(
        self, agent: Client, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        post(agent, task_id="t1", description="Fix it")
        with django_assert_num_queries(10):
            post(agent, task_id="t1", description="Fix it")
