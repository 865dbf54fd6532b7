from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client
from model_bakery import baker
from pytest_django import DjangoAssertNumQueries, Settings

from sessions.events import SessionEvent
from sessions.models import Session, ToolCall, ToolDay
from sessions.recording import record
from tasks.models import Task
from tests.sessions.brute import at

pytestmark = pytest.mark.django_db
URL = "/api/tool-execution"
CALL: dict[str, Any] = {
    "task_id": "t1",
    "tool_name": "Bash",
    "timestamp": "2026-01-01T12:00:00.5",
    "parameters": {"command": "ls"},
    "duration_ms": 12.5,
}


def post(client: Client, **body: Any) -> Any:
    return client.post(URL, CALL | body, content_type="application/json")


class TestToolExecution:
    def test_it_is_a_call_of_the_task(self, agent: Client) -> None:
        baker.make(Task, id="t1", updated_at=at(0))
        response = post(agent)
        assert (response.status_code, response.json()) == (200, {"success": True})
        call = ToolCall.objects.select_related("session").get()
        end = datetime(2026, 1, 1, 12, 0, 0, 500_000, UTC)
        assert (call.session.key, call.session.task_id) == ("t1", "t1")
        assert (call.tool_name, call.parameters, call.duration_ms) == (
            "Bash",
            {"command": "ls"},
            12,
        )
        assert (call.finished_at, call.success, call.error) == (end, True, "")
        assert Task.objects.get().updated_at == end

    def test_the_task_need_not_be_known(self, agent: Client) -> None:
        assert post(agent).status_code == 200
        assert Session.objects.get().task_id == "t1"
        assert not Task.objects.exists()

    def test_a_session_of_that_name_stays_one_in_its_own_right(self, agent: Client) -> None:
        record([SessionEvent(session_key="t1", at=at(0))])
        post(agent)
        post(agent, timestamp="2026-01-01T13:00:00")
        session = Session.objects.get()
        assert (session.task_id, session.calls) == (None, 2)

    def test_a_time_without_a_zone_is_local(self, agent: Client, settings: Settings) -> None:
        settings.TIME_ZONE = "Europe/Berlin"
        post(agent, timestamp="2026-07-01T12:00:00")
        assert ToolCall.objects.get().finished_at == datetime(2026, 7, 1, 10, tzinfo=UTC)

    def test_a_time_with_a_zone_is_what_it_says(self, agent: Client, settings: Settings) -> None:
        settings.TIME_ZONE = "Europe/Berlin"
        post(agent, timestamp="2026-07-01T12:00:00Z")
        assert ToolCall.objects.get().finished_at == datetime(2026, 7, 1, 12, tzinfo=UTC)

    def test_a_repeat_changes_nothing(self, agent: Client) -> None:
        post(agent)
        before = [list(table.objects.values()) for table in (Session, ToolCall, ToolDay)]
        assert post(agent, timestamp="2026-01-01T12:00:00.500000Z").status_code == 200
        assert [list(table.objects.values()) for table in (Session, ToolCall, ToolDay)] == before

    @pytest.mark.parametrize(
        "difference",
        [
            {"tool_name": "Read"},
            {"timestamp": "2026-01-01T12:00:01"},
            {"parameters": {"command": "pwd"}},
            {"parameters": None},
            {"success": False},
            {"duration_ms": None},
        ],
    )
    def test_another_call_is_another_row(self, agent: Client, difference: dict[str, Any]) -> None:
        post(agent)
        post(agent, **difference)
        assert ToolCall.objects.count() == 2

    def test_an_error_has_its_text_or_else_its_category(self, agent: Client) -> None:
        post(agent, success=False, error="Permission denied", error_category="timeout")
        post(agent, success=False, error=None, error_category="timeout")
        calls = ToolCall.objects.order_by("pk").values_list("error", "error_category")
        assert list(calls) == [("Permission denied", "permission_error"), ("timeout", "timeout")]

    def test_secrets_are_taken_out(self, agent: Client) -> None:
        secret = "ghp_" + "a1B2" * 9
        post(agent, success=False, error=secret, parameters={"token": "plain", "x": secret})
        stored = str(list(ToolCall.objects.values()))
        assert secret not in stored
        assert "plain" not in stored

    @pytest.mark.parametrize(
        ("body", "error"),
        [
            ({"tool": "x"}, "unknown field `tool`"),
            ({"task_id": ""}, "`$.task_id`"),
            ({"task_id": ".."}, "task_id: has a part"),
            ({"task_id": "a\0b"}, "task_id: holds a character"),
            ({"tool_name": None}, "`$.tool_name`"),
            ({"timestamp": "yesterday"}, "`$.timestamp`"),
            ({"timestamp": 1_767_000_000}, "`$.timestamp`"),
            ({"timestamp": "0001-01-01T00:00:00"}, "timestamp: 0001"),
            ({"success": "yes"}, "`$.success`"),
            ({"duration_ms": -1}, "`$.duration_ms`"),
            ({"parameters": "ls"}, "`$.parameters`"),
        ],
    )
    def test_what_cannot_be_right_is_refused(
        self, agent: Client, body: dict[str, Any], error: str
    ) -> None:
        response = post(agent, **body)
        assert response.status_code == 400
        assert error in response.json()["error"]
        assert not Session.objects.exists()

    @pytest.mark.parametrize("field", ["task_id", "tool_name", "timestamp"])
    def test_what_it_needs_is_asked_for(self, agent: Client, field: str) -> None:
        body = {name: value for name, value in CALL.items() if name != field}
        response = agent.post(URL, body, content_type="application/json")
        assert response.status_code == 400
        assert f"`{field}`" in response.json()["error"]

    def test_a_repeat_takes_few_queries(
        self, agent: Client, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        post(agent)
        with django_assert_num_queries(9):
            post(agent)
