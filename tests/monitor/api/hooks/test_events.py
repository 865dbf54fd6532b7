"""What is recorded of an event, and what is not."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from sessions.models import Session, SessionActivity, ToolCall
from tests.monitor.api.hooks.cast import NOW, send
from tests.sessions.claude_code_hooks import EVENTS, MESSAGES, SESSION, SUBAGENT

pytestmark = pytest.mark.django_db

HIDDEN = "sk-ant-api03-" + "a1B2" * 12
CALLS = ("PreToolUse", "PostToolUse", "PostToolUseFailure")


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
