from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from model_bakery import baker
from pytest_django import DjangoAssertNumQueries

from tasks.models import Activity, Task
from tasks.models.task import TaskQuerySet

pytestmark = pytest.mark.django_db


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The tasks whose processes were asked to end; none of them is."""
    asked: list[str] = []
    monkeypatch.setattr("tasks.actions.ask_to_end", lambda task: bool(asked.append(task.id) or 1))
    return asked


def failed_task() -> Task:
    task: Task = baker.make(Task, id="t1")
    task.fail("boom")
    return task


@pytest.mark.usefixtures("asked")
class TestStop:
    def test_it_stops_the_task_and_asks_its_process_to_end(
        self, agent: Client, asked: list[str]
    ) -> None:
        baker.make(Task, id="t1")
        response = agent.post("/api/tasks/t1/stop")
        assert response.status_code == 200
        assert response.json() == {
            "success": True,
            "message": "Task t1 is stopped, and its process was asked to end.",
        }
        assert asked == ["t1"]
        assert Task.objects.get().status == "stopped"
        assert Activity.objects.get().message == "Stopped"

    def test_the_log_names_the_person(self, client: Client, operator: User) -> None:
        operator.user_permissions.add(Permission.objects.get(codename="change_task"))
        client.force_login(operator)
        baker.make(Task, id="t1")
        assert client.post("/api/tasks/t1/stop").status_code == 200
        assert Activity.objects.get().message == "Stopped by operator"

    def test_what_has_ended_is_left_alone(self, agent: Client, asked: list[str]) -> None:
        baker.make(Task, id="t1")
        agent.post("/api/tasks/t1/stop")
        before = Task.objects.values().get()
        response = agent.post("/api/tasks/t1/stop")
        assert response.status_code == 400
        assert response.json() == {
            "error": "Task t1 is stopped; only one that is pending or running can become stopped."
        }
        assert Task.objects.values().get() == before
        assert asked == ["t1"]

    @pytest.mark.parametrize("task_id", ["nix", "a%00b"])
    def test_an_unknown_task_is_not_found(self, agent: Client, task_id: str) -> None:
        response = agent.post(f"/api/tasks/{task_id}/stop")
        assert (response.status_code, response.json()) == (404, {"error": "Task not found"})

    def test_a_task_that_is_pruned_meanwhile_is_not_found(
        self, agent: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def prune_first(rows: TaskQuerySet) -> Any:
            monkeypatch.undo()
            Task.objects.all().delete()
            return rows.select_for_update()

        baker.make(Task, id="t1")
        monkeypatch.setattr(TaskQuerySet, "select_for_update", prune_first)
        assert agent.post("/api/tasks/t1/stop").status_code == 404

    def test_it_takes_few_queries(
        self, agent: Client, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        baker.make(Task, id="t1")
        with django_assert_num_queries(8):
            agent.post("/api/tasks/t1/stop")


class TestMarkFixed:
    def test_the_failure_counts_as_completed(self, agent: Client) -> None:
        failed_task()
        response = agent.post("/api/tasks/t1/mark-fixed")
        assert response.status_code == 200
        assert response.json() == {
            "task_id": "t1",
            "status": "completed",
            "message": "Task t1 is marked fixed and counts as completed.",
        }
        assert Task.objects.get().status == "completed"
        assert Activity.objects.latest("pk").message == "Marked fixed"

    def test_what_has_not_failed_is_left_alone(self, agent: Client) -> None:
        failed_task()
        agent.post("/api/tasks/t1/mark-fixed")
        before = Task.objects.values().get()
        response = agent.post("/api/tasks/t1/mark-fixed")
        assert response.status_code == 400
        assert response.json()["error"].startswith("Task t1 is completed; only one that is failed")
        assert Task.objects.values().get() == before

    def test_an_unknown_task_is_not_found(self, agent: Client) -> None:
        assert agent.post("/api/tasks/nix/mark-fixed").status_code == 404
