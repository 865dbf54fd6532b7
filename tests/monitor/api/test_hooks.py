from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

import pytest
import time_machine
from django.db import OperationalError
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from costs import ledger
from costs.limits import set_user_limits
from costs.models import SpendingLimit
from monitor.api import hooks
from sessions.models import Session, SessionActivity, ToolCall
from tasks.reporting import report
from tests.sessions.claude_code_hooks import EVENTS, MESSAGES, SESSION, SUBAGENT, body

NOW = datetime(2026, 3, 15, 12, tzinfo=UTC)
URL = "/api/hooks/claude-code"
HIDDEN = "sk-ant-api03-" + "a1B2" * 12
CALLS = ("PreToolUse", "PostToolUse", "PostToolUseFailure")

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def clock() -> Iterator[Any]:
    with time_machine.travel(NOW, tick=False) as clock:
        yield clock


def post(client: Client, told: Any, query: str = "") -> tuple[int, Any]:
    text = told if isinstance(told, str | bytes) else json.dumps(told)
    response = client.post(URL + query, text, content_type="application/json")
    return response.status_code, response.json()


def send(client: Client, event: str, query: str = "", **fields: Any) -> dict[str, Any]:
    status, answer = post(client, body(event, **fields), query)
    assert status == 200, answer
    return dict(answer)


def spend(user_id: str, dollars: int, limit: int) -> None:
    set_user_limits(user_id, daily=limit)
    tokens = dollars * 1_000_000
    ledger.record_usage(
        user_id=user_id,
        model="claude-haiku-4-5",
        input_tokens=tokens,
        output_tokens=0,
        timestamp=NOW,
    )


class TestEvents:
    @pytest.mark.parametrize("event", sorted(EVENTS))
    def test_every_event_is_recorded_and_the_agent_goes_on(
        self, writer: Client, event: str
    ) -> None:
        assert send(writer, event) == {}
        assert ToolCall.objects.count() == (event in CALLS)
        assert list(SessionActivity.objects.values_list("event", "message")) == (
            [] if event in CALLS else [(event, MESSAGES[event])]
        )

    def test_an_event_nobody_knows_is_kept(self, writer: Client) -> None:
        assert send(writer, "MoonRise", phase=4) == {}
        assert SessionActivity.objects.get().metadata["phase"] == 4

    def test_a_session_from_its_start_to_its_end(self, writer: Client, clock: Any) -> None:
        query = "?user_id=ada&task_id=t1&host=box"
        for event in ("SessionStart", "UserPromptSubmit", "PreToolUse", "PostToolUse"):
            send(writer, event, query)
            clock.shift(timedelta(seconds=2))
        session = Session.objects.get()
        assert (session.key, session.user_id, session.task_id, session.host) == (
            SESSION,
            "ada",
            "t1",
            "box",
        )
        assert (session.model, session.title, session.workspace, session.calls) == (
            "claude-opus-4-6",
            "Basket",
            "/srv/shop",
            1,
        )
        assert session.source == "claude-code"
        assert not session.has_ended
        send(writer, "SessionEnd", query)
        session.refresh_from_db()
        assert session.has_ended
        assert session.end_reason == "logout"
        call = ToolCall.objects.get()
        assert (call.success, call.duration_ms, call.finished_at) == (
            True,
            812,
            NOW + timedelta(seconds=6),
        )

    def test_a_failed_call_says_why(self, writer: Client) -> None:
        send(writer, "PreToolUse")
        send(writer, "PostToolUseFailure")
        call = ToolCall.objects.get()
        assert (call.success, call.error) == (False, "Exit code 2\nno rule")
        assert Session.objects.get().failures == 1

    def test_an_interrupted_call_failed(self, writer: Client) -> None:
        send(writer, "PostToolUseFailure", error="", is_interrupt=True)
        assert ToolCall.objects.get().error == "Interrupted"

    def test_the_batch_of_calls_is_none_of_its_own(self, writer: Client) -> None:
        for event in ("PreToolUse", "PostToolUse", "PostToolBatch"):
            send(writer, event)
        assert ToolCall.objects.count() == 1

    def test_a_sub_agent_has_a_session_of_its_own(self, writer: Client) -> None:
        send(writer, "SubagentStart")
        send(writer, "PreToolUse", **SUBAGENT)
        child = Session.objects.get(key=f"{SESSION}/a1b2c3")
        assert child.parent
        assert (child.parent.key, child.agent, child.calls) == (SESSION, "reviewer", 1)
        send(writer, "SubagentStop")
        child.refresh_from_db()
        assert child.has_ended
        assert not Session.objects.get(key=SESSION).has_ended

    def test_repeats_are_recorded_once(self, writer: Client) -> None:
        for event in sorted(EVENTS):
            send(writer, event)
            send(writer, event)
        assert ToolCall.objects.count() == 1
        assert SessionActivity.objects.count() == len(MESSAGES)

    def test_without_ids_a_call_counts_once(self, writer: Client, clock: Any) -> None:
        for _ in range(2):
            send(writer, "PreToolUse", tool_use_id=None)
            clock.shift(timedelta(seconds=1))
            send(writer, "PostToolUse", tool_use_id=None)
            send(writer, "PostToolUse", tool_use_id=None)
        assert Session.objects.get().calls == 2

    def test_the_first_prompt_is_the_title_of_a_session_without_one(
        self, writer: Client, clock: Any
    ) -> None:
        for prompt in ("Mend it\nall", "And test it"):
            send(writer, "UserPromptSubmit", prompt=prompt)
            clock.shift(timedelta(seconds=1))
        assert Session.objects.get().title == "Mend it"
        send(writer, "UserPromptSubmit", session_title="Basket")
        assert Session.objects.get().title == "Basket"


class TestSecrets:
    def test_none_is_stored(self, writer: Client) -> None:
        told = {"command": f"export TOKEN={HIDDEN}", "api_key": "plain-words"}
        send(writer, "PreToolUse", tool_input=told)
        send(writer, "PostToolUse", tool_input=told, tool_response={"stdout": HIDDEN})
        send(writer, "PostToolUseFailure", tool_use_id="u", error=f"401 for {HIDDEN}")
        send(writer, "UserPromptSubmit", prompt=f"use {HIDDEN}")
        send(writer, "PermissionRequest", tool_input=told)
        send(writer, "MoonRise", message=HIDDEN, deep=[{"password": "plain-words"}])
        rows = [*Session.objects.values(), *ToolCall.objects.values()]
        text = repr([*rows, *SessionActivity.objects.values()])
        assert HIDDEN not in text
        assert "plain-words" not in text
        assert "[redacted]" in text

    def test_what_a_tool_answered_is_not_stored(self, writer: Client) -> None:
        for event in sorted(EVENTS):
            send(writer, event)
        rows = [*ToolCall.objects.values(), *SessionActivity.objects.values()]
        assert "secret answer" not in repr(rows)


class TestRefusals:
    @pytest.mark.parametrize(
        ("told", "word"),
        [
            ([], "object"),
            ("[1]", "object"),
            ('"text"', "object"),
            ("{", "JSON|truncated"),
            ({}, "session_id"),
            ({"session_id": "s"}, "hook_event_name"),
            ({"hook_event_name": "Stop"}, "session_id"),
            ({"sessionId": "s", "hookEventName": "Stop", "toolName": "Bash"}, "session_id"),
            (body("Stop", session_id=7), "session_id"),
            (body("Stop", session_id="a\0b"), "session_id"),
            (body("Stop", session_id=".."), "session_key"),
            (body("Stop", session_id="k" * 201), "session_key"),
            (body("Stop", agent_id=".."), "session_key"),
        ],
    )
    def test_what_cannot_be_an_event_is_told_so(self, writer: Client, told: Any, word: str) -> None:
        status, answer = post(writer, told)
        assert status == 400
        assert re.search(word, answer["error"])
        assert not Session.objects.exists()

    @pytest.mark.parametrize(
        ("query", "word"),
        [
            (f"?user_id={'u' * 65}", "user_id"),
            (f"?task_id={'t' * 65}", "task_id"),
            (f"?host={'h' * 256}", "host"),
            ("?user_id=a%00b", "user_id"),
            ("?task_id=..", "task_id"),
            ("?limits=deny", "limits"),
            ("?limits=block", "user_id"),
            ("?limits=block&user_id=a%00b", "user_id"),
        ],
    )
    def test_facts_have_bounds(self, writer: Client, query: str, word: str) -> None:
        status, answer = post(writer, body("UserPromptSubmit"), query)
        assert status == 400
        assert word in answer["error"]
        assert not Session.objects.exists()

    def test_a_form_is_not_json(self, writer: Client) -> None:
        response = writer.post(URL, json.dumps(body("Stop")), content_type="text/plain")
        assert response.status_code == 415

    def test_it_needs_a_key_that_may_write(
        self, client: Client, reader: Client, signed_in: Client
    ) -> None:
        assert post(Client(), body("Stop"))[0] == 401
        assert post(reader, body("Stop"))[0] == 403
        assert post(signed_in, body("Stop"))[0] == 403
        assert not Session.objects.exists()

    def test_it_is_not_to_be_read(self, reader: Client) -> None:
        assert reader.get(URL).status_code == 405


class TestHostile:
    ODD: list[Any] = [None, True, -1, 10**30, 1e300, "", "\0", "\ud800", "x" * 10**5, [], [[1]], {}]
    ODD += [{"a": {"b": None}}, {"": "\0"}, "..", "a/b", " "]

    @pytest.mark.parametrize("name", sorted({name for event in EVENTS for name in body(event)}))
    def test_a_field_of_another_type_never_fails(self, writer: Client, name: str) -> None:
        having = [event for event in EVENTS if name in EVENTS[event]][:2]
        for odd in self.ODD:
            for event in having or ["PostToolUse", "UserPromptSubmit"]:
                status, answer = post(writer, body(event) | {name: odd})
                assert (status, set(answer)) in ((200, set()), (400, {"error"})), (odd, answer)

    @pytest.mark.parametrize("event", ["PreToolUse", "Stop", "PermissionRequest", "MoonRise"])
    @pytest.mark.parametrize("depth", [50, 900, 100_000])
    def test_neither_does_deep_nesting(self, writer: Client, event: str, depth: int) -> None:
        odd = '{"a":' * depth + "[" * depth + "]" * depth + "}" * depth
        text = json.dumps(body(event, tool_input="ODD")).replace('"ODD"', odd)
        assert post(writer, text)[0] in (200, 400)

    @pytest.mark.parametrize("event", ["PreToolUse", "PostToolUse", "UserPromptSubmit", "MoonRise"])
    def test_huge_texts_are_cut(self, writer: Client, event: str) -> None:
        huge = "word " * 400_000
        told = {"tool_input": {"content": huge}, "tool_response": huge, "prompt": huge}
        send(writer, event, **told, note=huge)
        rows = [*ToolCall.objects.values(), *SessionActivity.objects.values()]
        assert len(repr([*rows, *Session.objects.values()])) < 30_000


class TestLimits:
    QUERY = "?user_id=ada&limits=block"

    def test_a_prompt_over_the_limit_is_blocked_and_logged(self, writer: Client) -> None:
        spend("ada", dollars=2, limit=2)
        reason = "Daily limit exceeded ($2.00). Resets at midnight."
        answer = send(writer, "UserPromptSubmit", self.QUERY)
        assert answer == {"decision": "block", "reason": reason}
        lines = SessionActivity.objects.order_by("id").values_list("event", "message")
        assert list(lines) == [
            ("UserPromptSubmit", "Prompt: Mend the basket\nand test it"),
            ("PromptBlocked", f"Prompt blocked: {reason}"),
        ]

    @pytest.mark.parametrize("query", ["", "?user_id=ada", "?limits=block&user_id=bob"])
    def test_nobody_else_is_blocked(self, writer: Client, query: str) -> None:
        spend("ada", dollars=2, limit=2)
        assert send(writer, "UserPromptSubmit", query) == {}

    @pytest.mark.parametrize("event", sorted(set(EVENTS) - {"UserPromptSubmit"}))
    def test_nothing_but_a_prompt_is_held_up(self, writer: Client, event: str) -> None:
        spend("ada", dollars=2, limit=2)
        assert send(writer, event, self.QUERY) == {}

    def test_a_warning_is_shown_from_80_percent_on_once_an_hour(self, writer: Client) -> None:
        spend("ada", dollars=4, limit=5)
        answer = send(writer, "UserPromptSubmit", self.QUERY)
        assert answer == {"systemMessage": "Daily limit: 80 % used ($4.00 of $5.00)."}
        assert send(writer, "UserPromptSubmit", self.QUERY) == {}

    def test_an_unknown_user_goes_on_and_stays_unknown(self, writer: Client) -> None:
        assert send(writer, "UserPromptSubmit", self.QUERY) == {}
        assert not SpendingLimit.objects.exists()

    @pytest.mark.parametrize("fault", [OperationalError("locked"), ValueError("odd")])
    def test_limits_that_cannot_be_asked_hold_nobody_up(
        self, writer: Client, monkeypatch: pytest.MonkeyPatch, fault: Exception
    ) -> None:
        def fail(user_id: str) -> None:
            raise fault

        monkeypatch.setattr(hooks, "check_limits", fail)
        assert send(writer, "UserPromptSubmit", self.QUERY) == {}
        assert SessionActivity.objects.count() == 1


class TestPages:
    """The events are read on the pages of the session, and of the task it works on."""

    def lines(self, client: Client, url: str) -> list[str]:
        page = client.get(url).content.decode()
        return [unescape(line) for line in re.findall(r'class="said">(.*?)</span>', page)]

    def test_they_are_lines_of_the_log_newest_first(
        self, writer: Client, signed_in: Client, clock: Any
    ) -> None:
        send(writer, "SessionStart", "?task_id=t1")
        report(task_id="t1", at=NOW + timedelta(seconds=1), message="The task itself")
        for event in ("SubagentStart", "Notification"):
            clock.shift(timedelta(seconds=2))
            send(writer, event, "?task_id=t1", message="Waits for <you>")
        told = ["Waits for <you>", "Sub-agent started: reviewer", "The task itself"]
        assert self.lines(signed_in, "/tasks/t1/") == [*told, "Session started: startup"]
        assert self.lines(signed_in, f"/sessions/{SESSION}/") == [
            *told,
            "Session started: startup",
        ]
        assert self.lines(signed_in, f"/sessions/{SESSION}/a1b2c3/") == told[1:]

    def test_equal_neighbours_are_one_line(
        self, writer: Client, signed_in: Client, clock: Any
    ) -> None:
        for _ in range(3):
            send(writer, "MessageDisplay")
            clock.shift(timedelta(seconds=1))
        assert self.lines(signed_in, f"/sessions/{SESSION}/") == ["Message shown"]

    def test_a_long_log_has_pages(self, writer: Client, signed_in: Client) -> None:
        for number in range(60):
            send(writer, "Notification", message=f"line {number}")
        assert self.lines(signed_in, f"/sessions/{SESSION}/?log=2") == [
            f"line {number}" for number in reversed(range(10))
        ]

    def test_staff_find_them_by_session(self, writer: Client, admin_client: Client) -> None:
        send(writer, "Notification")
        page = admin_client.get(f"/admin/agent_sessions/sessionactivity/?q={SESSION}")
        assert b"Waits for you" in page.content
        row = SessionActivity.objects.get()
        page = admin_client.get(f"/admin/agent_sessions/sessionactivity/{row.pk}/change/")
        assert b"idle_prompt" in page.content
        assert b'name="_save"' not in page.content


class TestQueries:
    """One of them finds the key, two are the transaction; a task would take two more."""

    def test_those_of_a_call_are_few(
        self, writer: Client, clock: Any, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        send(writer, "SessionStart")
        for event in ("PreToolUse", "PostToolUse"):
            clock.shift(timedelta(seconds=1))
            with django_assert_num_queries(17):
                send(writer, event)

    def test_those_of_a_note_are_few(
        self, writer: Client, clock: Any, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        send(writer, "SessionStart")
        for event, queries in [("Stop", 8), ("SessionEnd", 8), ("UserPromptSubmit", 9)]:
            clock.shift(timedelta(seconds=1))
            with django_assert_num_queries(queries):
                send(writer, event)

    def test_they_do_not_grow_with_what_is_known(
        self, writer: Client, clock: Any, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        for number in range(30):
            send(writer, "PreToolUse", tool_use_id=f"{number}")
            send(writer, "Notification", message=f"{number}")
        for event, queries in [("PreToolUse", 17), ("Notification", 8)]:
            clock.shift(timedelta(seconds=1))
            with django_assert_num_queries(queries):
                send(writer, event)
