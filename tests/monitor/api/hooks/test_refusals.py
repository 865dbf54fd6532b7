"""What cannot be an event is refused; nothing that is sent makes it fail."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from django.test import Client

from sessions.models import Session, SessionActivity, ToolCall
from tests.monitor.api.hooks.cast import URL, post, send
from tests.sessions.claude_code_hooks import EVENTS, body

pytestmark = pytest.mark.django_db


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
