from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import pytest
from django.db.models import Model
from django.test import Client
from model_bakery import baker
from pytest_django import DjangoAssertNumQueries

from sessions.events import SessionEnded, SessionEvent, ToolEnded, ToolStarted
from sessions.models import FileAccess, Session, ToolCall, ToolDay, ToolHour, ToolMonth
from sessions.recording import record
from tasks.models import Task
from tests.sessions.brute import at

pytestmark = pytest.mark.django_db
URL = "/api/tool-calls"
TABLES: Sequence[type[Model]] = (Session, ToolCall, ToolDay, ToolHour, ToolMonth, FileAccess)


def started(**fields: Any) -> dict[str, Any]:
    told = {"event": "tool_started", "session_key": "s", "at": at(0).isoformat()}
    return told | {"tool_use_id": "t", "tool_name": "Bash"} | fields


def ended(**fields: Any) -> dict[str, Any]:
    return started(event="tool_ended", at=at(2).isoformat(), success=True) | fields


def post(client: Client, *events: Any, **body: Any) -> Any:
    told = {"events": events, **body}
    return client.post(URL, told, content_type="application/json")


def outcome(recorded: int, sessions: int = 0, calls: int = 0, changed: int = 0) -> dict[str, Any]:
    return {
        "recorded": recorded,
        "rejected": [],
        "sessions_added": sessions,
        "calls_added": calls,
        "calls_changed": changed,
        "calls_pruned": 0,
    }


def rows() -> list[Any]:
    """Everything that is stored, but for the numbers of rows."""
    return [
        [
            {key: row[key] for key in row if not key.endswith("id")}
            for row in table.objects.order_by("pk").values()
        ]
        for table in TABLES
    ]


class TestRecord:
    def test_a_start_and_an_end_are_one_call(self, agent: Client) -> None:
        response = post(agent, started())
        assert (response.status_code, response.json()) == (200, outcome(1, sessions=1, calls=1))
        assert post(agent, ended()).json() == outcome(1, changed=1)
        call = ToolCall.objects.get()
        assert (call.started_at, call.finished_at, call.success) == (at(0), at(2), True)

    def test_a_repeat_changes_nothing(self, agent: Client) -> None:
        post(agent, started(), ended())
        before = rows()
        assert post(agent, ended(), started()).json() == outcome(2)
        assert rows() == before

    def test_they_are_the_rows_that_recording_leaves(self, agent: Client) -> None:
        told: list[tuple[type[SessionEvent], str, dict[str, Any]]] = [
            (SessionEvent, "session", {"model": "opus", "task_id": "t1", "title": "Fix it"}),
            (
                ToolStarted,
                "tool_started",
                {
                    "tool_use_id": "a",
                    "tool_name": "Read",
                    "parameters": {"file_path": "/w/a.py", "api_key": "plain"},
                },
            ),
            (
                ToolEnded,
                "tool_ended",
                {
                    "tool_use_id": "b",
                    "tool_name": "Bash",
                    "success": False,
                    "error": "Permission denied",
                    "duration_ms": 12.5,
                    "output_tokens": 7,
                },
            ),
            (SessionEvent, "session", {"parent_key": "p", "agent": "reviewer"}),
            (SessionEnded, "session_ended", {"reason": "clear"}),
        ]
        post(
            agent,
            *(
                {"event": name, "session_key": "s", "at": at(number).isoformat(), **fields}
                for number, (_, name, fields) in enumerate(told)
            ),
        )
        by_api = rows()
        for table in TABLES:
            table.objects.all().delete()
        record(
            [kind(session_key="s", at=at(n), **fields) for n, (kind, _, fields) in enumerate(told)]
        )
        assert by_api == rows()
        assert [len(table) for table in by_api] == [2, 2, 2, 2, 2, 1]

    def test_without_a_time_it_happens_now(self, agent: Client) -> None:
        event = started()
        del event["at"]
        post(agent, event)
        call = ToolCall.objects.get()
        assert call.started_at > datetime.fromisoformat("2026-01-01T00:00:00Z")
        assert post(agent, event).json() == outcome(1)

    def test_it_is_news_of_the_task(self, agent: Client) -> None:
        baker.make(Task, id="t1", updated_at=at(0))
        post(agent, ended(task_id="t1"))
        assert Task.objects.get().updated_at == at(2)

    def test_secrets_are_taken_out(self, agent: Client) -> None:
        secret = "ghp_" + "a1B2" * 9
        told = {"parameters": {"env": [{"token": "plain", "x": secret}]}, "title": secret}
        post(agent, ended(success=False, error=f"401 for {secret}", **told))
        assert secret not in str(rows())
        assert "plain" not in str(rows())


class TestBadEvents:
    @pytest.mark.parametrize(
        ("event", "error"),
        [
            ({"event": "tool_begun"}, "Invalid value 'tool_begun' - at `$.event`"),
            ({"session_key": "s"}, "missing required field `event`"),
            (7, "Expected `object`, got `int`"),
            (started(tool="Bash"), "unknown field `tool`"),
            (started(tool_use_id=7), "Expected `str`, got `int` - at `$.tool_use_id`"),
            (started(success=True), "unknown field `success`"),
            (started(event="tool_ended"), "missing required field `success`"),
            (ended(success=1), "`$.success`"),
            (started(at="2026-01-01T00:00:00"), "timezone component - at `$.at`"),
            (started(at="1960-01-01T00:00:00Z"), "at: 1960"),
            (started(session_key=""), "`$.session_key`"),
            (started(session_key=".."), "session_key: has a part"),
            (started(tool_name="a\0b"), "tool_name: holds a character"),
            (started(parent_key="s"), "parent_key: a session is not its own parent"),
            (started(parameters=[1]), "`$.parameters`"),
        ],
    )
    def test_a_bad_one_spoils_no_other(self, agent: Client, event: Any, error: str) -> None:
        response = post(agent, started(), event, ended())
        told = response.json()
        (rejected,) = told["rejected"]
        assert response.status_code == 200
        assert (told["recorded"], told["calls_added"], rejected["index"]) == (2, 1, 1)
        assert error in rejected["error"]

    def test_where_all_are_bad_nothing_is_recorded(self, agent: Client) -> None:
        response = post(agent, {"event": "x"}, started(session_key=""))
        told = response.json()
        assert response.status_code == 400
        assert told["error"] == "events[0]: Invalid value 'x' - at `$.event`"
        assert [rejected["index"] for rejected in told["rejected"]] == [0, 1]
        assert (told["recorded"], told["sessions_added"], told["calls_added"]) == (0, 0, 0)
        assert not Session.objects.exists()

    @pytest.mark.parametrize(
        ("text", "error"),
        [
            ('{"event":"session","session_key":"\ud800"}', "utf-8"),
            (
                '{"event":"tool_started","session_key":"s","tool_use_id":"t","tool_name":"Bash",'
                f'"parameters":{{"a":{"9" * 5_000}}}}}',
                "out of range",
            ),
        ],
    )
    def test_what_no_text_or_number_is_spoils_no_other(
        self, agent: Client, text: str, error: str
    ) -> None:
        good = '{"event":"session","session_key":"s"}'
        body = f'{{"events":[{text},{good}]}}'.encode(errors="surrogatepass")
        response = agent.post(URL, body, content_type="application/json")
        assert response.status_code == 200
        assert response.json()["recorded"] == 1
        assert error in response.json()["rejected"][0]["error"]

    @pytest.mark.parametrize(
        ("body", "error"),
        [
            ("", "Expected `object`"),
            ("[]", "Expected `object`, got `array`"),
            ("{}", "missing required field `events`"),
            ('{"events":{}}', "Expected `array`, got `object` - at `$.events`"),
            ('{"events":[]}', "length >= 1 - at `$.events`"),
            (f'{{"events":[{",".join(["1"] * 1_001)}]}}', "length <= 1000 - at `$.events`"),
            ('{"events":[1],"source":"x"}', "unknown field `source`"),
            ('{"events":[{]}', "malformed"),
            (f'{{"events":[{"[" * 10_000}]}}', "recursion"),
        ],
    )
    def test_what_is_no_list_of_events_is_refused(
        self, agent: Client, body: str, error: str
    ) -> None:
        kind = {"content-type": "application/json"}
        response = agent.generic("POST", URL, body, headers=kind)
        assert response.status_code == 400
        assert error in response.json()["error"]
        assert list(response.json()) == ["error"]

    def test_another_type_is_refused(self, agent: Client) -> None:
        assert agent.post(URL, b"x", content_type="text/plain").status_code == 415


class TestBatch:
    def test_a_thousand_are_taken(self, agent: Client) -> None:
        events = [started(tool_use_id=str(number)) for number in range(1_000)]
        assert post(agent, *events).json() == outcome(1_000, sessions=1, calls=1_000)

    def test_the_queries_do_not_grow(
        self, agent: Client, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        for count in (2, 40):
            events = [started(session_key=f"s{count}", tool_use_id=str(n)) for n in range(count)]
            with django_assert_num_queries(18):
                post(agent, *events, {"event": "x"})

    def test_known_calls_take_a_write_each_where_they_change_and_else_none(
        self, agent: Client, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        post(agent, *(started(tool_use_id=str(n)) for n in range(10)))
        ends = [ended(tool_use_id=str(n)) for n in range(10)]
        with django_assert_num_queries(16 + 10):
            post(agent, *ends)
        with django_assert_num_queries(6):
            post(agent, *ends)
