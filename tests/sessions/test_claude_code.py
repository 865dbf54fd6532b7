from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessions.claude_code import MAX_METADATA, WORDS, Hook
from sessions.events import SessionEnded, SessionEvent, SessionNote, ToolEnded, ToolStarted
from sessions.models import Session, SessionActivity
from sessions.pruning import prune
from sessions.recording import Recorded, record
from tasks.identity import Invalid
from tests.sessions.claude_code_hooks import EVENTS, MESSAGES, SESSION, SUBAGENT, body

NOON = datetime(2026, 3, 15, 12, tzinfo=UTC)
CALLS = {"PreToolUse", "PostToolUse", "PostToolUseFailure"}
HIDDEN = "sk-ant-api03-" + "a1B2" * 12

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
FIELDS = sorted({name for event in EVENTS for name in body(event)})


def hook(told: dict[str, Any], at: datetime = NOON) -> Hook:
    return Hook.read(told, json.dumps(told).encode(), at)


def events(event: str, *, is_titled: bool = True, **fields: Any) -> list[SessionEvent]:
    return hook(body(event, **fields)).events(is_titled=is_titled)


def only(event: str, **fields: Any) -> Any:
    (told,) = events(event, **fields)
    return told


class TestRead:
    @pytest.mark.parametrize("name", ["session_id", "hook_event_name"])
    @pytest.mark.parametrize("value", [None, "", " ", 7, [], {}])
    def test_it_asks_for_a_session_and_an_event(self, name: str, value: Any) -> None:
        with pytest.raises(Invalid) as refusal:
            hook(body("Stop", **{name: value}))
        assert refusal.value.field == name

    def test_keys_of_another_client_are_refused(self) -> None:
        with pytest.raises(Invalid, match="session_id"):
            hook({"sessionId": "s", "hookEventName": "PreToolUse"})

    @pytest.mark.parametrize("key", ["a\0b", "a\nb", "\ud800", "a\u202eb"])
    def test_a_session_that_cannot_be_shown_is_refused(self, key: str) -> None:
        with pytest.raises(Invalid, match="session_id"):
            Hook.read(body("Stop", session_id=key), b"", NOON)

    def test_one_body_is_one_event_within_a_second(self) -> None:
        told = body("Notification")
        first = hook(told)
        assert hook(told, NOON + timedelta(microseconds=999_999)).event_id == first.event_id
        assert hook(told, NOON + timedelta(seconds=1)).event_id != first.event_id
        assert hook(body("Notification", message="other")).event_id != first.event_id


class TestNotes:
    def test_every_documented_event_has_words(self) -> None:
        assert len(EVENTS) == 33
        assert set(EVENTS) == set(WORDS) == set(MESSAGES) | CALLS

    @pytest.mark.parametrize("event", sorted(MESSAGES))
    def test_an_event_is_a_note_that_can_be_read(self, event: str) -> None:
        *ends, note = events(event)
        assert isinstance(note, SessionNote)
        assert (note.event, note.message, note.at) == (event, MESSAGES[event], NOON)
        assert note.workspace == "/srv/shop"
        assert note.source == "claude-code"
        assert all(isinstance(end, SessionEnded) for end in ends)
        assert len(ends) == (event in ("SessionEnd", "SubagentStop"))

    @pytest.mark.parametrize("event", sorted(MESSAGES))
    def test_its_other_fields_are_kept_but_what_was_said_is_not(self, event: str) -> None:
        metadata = events(event)[-1].metadata  # type: ignore[attr-defined]
        assert metadata["permission_mode"] == "acceptEdits"
        assert metadata["prompt_id"] == "prompt-7"
        assert "secret answer" not in json.dumps(metadata)
        assert not {"session_id", "cwd", "prompt", "last_assistant_message"} & set(metadata)

    def test_an_event_nobody_knows_is_kept(self) -> None:
        note = only("MoonRise", message="Full", phase=4)
        assert (note.event, note.message) == ("MoonRise", "MoonRise: Full")
        assert note.metadata["phase"] == 4

    def test_the_name_of_an_event_is_cut(self) -> None:
        assert len(only("x" * 1_000).event) == 64

    def test_metadata_is_small_and_says_what_it_left(self) -> None:
        long = {f"field_{number}": "x" * 1_500 for number in range(5)}
        metadata = only("Stop", **long).metadata
        assert metadata["[cut]"] == "3 larger fields were not kept"
        assert metadata["stop_hook_active"] is False
        assert len(json.dumps(metadata)) <= MAX_METADATA + 60

    def test_secrets_in_it_are_taken_out(self) -> None:
        told = {"command": f"curl -H 'Authorization: Bearer {HIDDEN}'", "api_key": "plain-words"}
        text = json.dumps(only("PermissionRequest", tool_input=told).metadata)
        assert HIDDEN not in text
        assert "plain-words" not in text


class TestSession:
    def test_a_start_tells_model_title_and_agent(self) -> None:
        start = only("SessionStart", agent_type="planner")
        assert (start.session_key, start.model, start.title, start.agent) == (
            SESSION,
            "claude-opus-4-6",
            "Basket",
            "planner",
        )
        assert start.metadata["source"] == "startup"

    def test_an_end_tells_why(self) -> None:
        end, note = events("SessionEnd")
        assert isinstance(end, SessionEnded)
        assert (end.session_key, end.reason) == (SESSION, "logout")
        assert isinstance(note, SessionNote)

    def test_more_facts_are_those_of_whoever_registered_the_hook(self) -> None:
        told = hook(body("SessionEnd")).events(user_id="ada", task_id="t1", host="box")
        assert {(event.user_id, event.task_id, event.host) for event in told} == {
            ("ada", "t1", "box")
        }

    @pytest.mark.parametrize(
        ("fields", "is_titled", "title"),
        [
            ({}, False, "Mend the basket"),
            ({}, True, ""),
            ({"session_title": "Basket"}, False, "Basket"),
            ({"session_title": "Basket"}, True, "Basket"),
            ({"session_title": 7}, False, "Mend the basket"),
            ({"prompt": " \n\n  First\nsecond"}, False, "First"),
            ({"prompt": "\n"}, False, ""),
            ({"prompt": ["odd"]}, False, ""),
            ({"source": "sdk"}, False, "Mend the basket"),
            ({"source": "loop_wakeup"}, False, ""),
        ],
    )
    def test_its_title_is_told_or_the_first_line_of_a_prompt(
        self, fields: dict[str, Any], is_titled: bool, title: str
    ) -> None:
        (note,) = events("UserPromptSubmit", is_titled=is_titled, **fields)
        assert note.title == title


class TestSubagents:
    @pytest.mark.parametrize("event", sorted(EVENTS))
    def test_what_happens_in_one_belongs_to_a_session_of_its_own(self, event: str) -> None:
        for told in events(event, **SUBAGENT):
            assert told.session_key == f"{SESSION}/a1b2c3"
            assert (told.parent_key, told.agent) == (SESSION, "reviewer")

    def test_its_stop_ends_it_and_nobody_else(self) -> None:
        end, _ = events("SubagentStop")
        assert isinstance(end, SessionEnded)
        assert end.session_key == f"{SESSION}/a1b2c3"
        note = only("SubagentStop", agent_id=None)
        assert isinstance(note, SessionNote)
        assert (note.session_key, note.parent_key) == (SESSION, "")

    @pytest.mark.parametrize(("status", "over"), [("completed", True), ("async_launched", False)])
    def test_the_tool_that_starts_it_tells_its_task_and_model(
        self, status: str, over: bool
    ) -> None:
        answer = {"agentId": "a1b2c3", "status": status, "resolvedModel": "haiku", "usage": {}}
        asked = {"description": "Review it", "subagent_type": "reviewer", "prompt": "…"}
        call, news = events(
            "PostToolUse", tool_name="Agent", tool_input=asked, tool_response=answer
        )
        assert isinstance(call, ToolEnded)
        assert (call.session_key, call.input_tokens, call.output_tokens) == (SESSION, 0, 0)
        assert (news.session_key, news.parent_key) == (f"{SESSION}/a1b2c3", SESSION)
        assert (news.title, news.model, news.agent) == ("Review it", "haiku", "reviewer")
        assert isinstance(news, SessionEnded) is over

    @pytest.mark.parametrize(
        "answer", [None, [], "text", {"agentId": 7}, {"agentId": ".."}, {"agentId": "x" * 99}]
    )
    def test_an_odd_answer_of_it_tells_nothing(self, answer: Any) -> None:
        assert isinstance(only("PostToolUse", tool_name="Agent", tool_response=answer), ToolEnded)


class TestCalls:
    def test_a_start_and_an_end_are_one_call(self) -> None:
        start, end = only("PreToolUse"), only("PostToolUse")
        assert type(start) is ToolStarted
        assert isinstance(end, ToolEnded)
        assert start.tool_use_id == end.tool_use_id == "toolu_1"
        assert (end.success, end.error, end.duration_ms) == (True, "", 812)
        assert start.parameters == end.parameters == {"command": "make test"}

    @pytest.mark.parametrize(
        ("fields", "error"),
        [
            ({}, "Exit code 2\nno rule"),
            ({"error": "Stopped", "is_interrupt": True}, "Stopped"),
            ({"error": None, "is_interrupt": True}, "Interrupted"),
            ({"error": {"odd": 1}}, "Failed without a reason"),
        ],
    )
    def test_a_failure_has_an_error(self, fields: dict[str, Any], error: str) -> None:
        end = only("PostToolUseFailure", **fields)
        assert (end.success, end.error) == (False, error)

    @pytest.mark.parametrize("id", [None, "", 7, "x" * 129])
    def test_without_an_id_the_end_alone_is_a_call(self, id: Any) -> None:
        start, end = only("PreToolUse", tool_use_id=id), only("PostToolUse", tool_use_id=id)
        assert isinstance(start, SessionNote)
        assert start.message == "Tool called: Bash"
        assert isinstance(end, ToolEnded)
        assert end.tool_use_id == f"hook-{hook(body('PostToolUse', tool_use_id=id)).event_id}"

    @pytest.mark.parametrize("event", sorted(CALLS))
    def test_without_a_tool_it_is_a_note(self, event: str) -> None:
        assert isinstance(only(event, tool_name=None), SessionNote)

    @pytest.mark.parametrize(
        "duration", ["9", True, -1, 10**400, float("inf"), float("nan"), [9], None]
    )
    def test_a_duration_that_makes_no_sense_is_none(self, duration: Any) -> None:
        told = body("PostToolUse", duration_ms=duration)
        (end,) = Hook.read(told, b"", NOON).events()
        assert isinstance(end, ToolEnded)
        assert end.duration_ms is None

    def test_parameters_that_are_no_object_are_kept(self) -> None:
        assert only("PreToolUse", tool_input=[1]).parameters == {"tool_input": [1]}


@pytest.mark.django_db
class TestHostile:
    @given(
        event=st.sampled_from(sorted(EVENTS)) | st.text(min_size=1).filter(str.strip),
        odd=st.dictionaries(st.sampled_from(FIELDS), json_values, max_size=6),
    )
    def test_it_is_recorded_or_refused_in_words(self, event: str, odd: dict[str, Any]) -> None:
        told = body(event) | odd
        try:
            recorded, refused = record(hook(told).events(is_titled=False)), ""
        except Invalid as refusal:
            recorded, refused = None, refusal.field
        assert refused in ("", "session_id", "hook_event_name", "session_key")
        assert refused or recorded


@pytest.mark.django_db
class TestRecordedNotes:
    def test_a_note_is_a_line_of_the_log(self) -> None:
        note = SessionNote(session_key="s", at=NOON, event="Told", message="m", metadata={"a": 1})
        assert record([note]) == Recorded(sessions_added=1, notes_added=1)
        line = SessionActivity.objects.get()
        assert (line.session.key, line.time, line.event, line.message, line.metadata) == (
            "s",
            NOON,
            "Told",
            "m",
            {"a": 1},
        )
        assert str(line) == f"Told in {line.session_id}"

    def test_what_is_known_is_no_news(self) -> None:
        told = hook(body("Notification")).events()
        assert record(told * 2).notes_added == 1
        assert record(told) == Recorded()
        later = hook(body("Notification"), NOON + timedelta(seconds=1)).events()
        assert record(later).notes_added == 1

    def test_equal_notes_without_an_id_are_one(self) -> None:
        note = SessionNote(session_key="s", at=NOON, event="Told", message="m")
        other = SessionNote(session_key="s", at=NOON, event="Told", message="n")
        assert record([note, other, note]).notes_added == 2

    def test_secrets_in_texts_and_metadata_are_taken_out(self) -> None:
        note = SessionNote(
            session_key="s",
            at=NOON,
            event="Told",
            message=f"uses {HIDDEN}",
            metadata={"deep": [{"password": "plain-words"}]},
        )
        record([note])
        line = SessionActivity.objects.get()
        assert HIDDEN not in line.message
        assert line.metadata == {"deep": [{"password": "[redacted]"}]}

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("event", ""),
            ("event", "e" * 65),
            ("event", "a\0b"),
            ("event_id", "i" * 65),
            ("message", 7),
            ("metadata", [1]),
        ],
    )
    def test_what_cannot_be_right_is_refused(self, field: str, value: Any) -> None:
        fields = {"session_key": "s", "at": NOON, "event": "Told", field: value}
        with pytest.raises(Invalid) as refusal:
            record([SessionNote(**fields)])
        assert refusal.value.field == field
        assert not Session.objects.exists()

    def test_they_leave_with_their_session_in_batches(self) -> None:
        record(
            [
                SessionNote(session_key="s", at=NOON, event="Told", message=f"{number}")
                for number in range(5)
            ]
        )
        left = []
        for _ in prune(NOON + timedelta(days=1), batch=2):
            left.append(SessionActivity.objects.count())
        assert left == [3, 1, 0, 0]
        assert not Session.objects.exists()

    def test_calls_and_notes_share_a_batch(self) -> None:
        record([*hook(body("PostToolUse")).events(), *hook(body("Stop")).events()])
        assert list(prune(NOON + timedelta(days=1), batch=5)) == [0, 1]
