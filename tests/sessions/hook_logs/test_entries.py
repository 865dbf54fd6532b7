from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from sessions.hook_logs import entries
from sessions.hook_logs.entries import Entry, Unreadable, read

NOON = datetime(2025, 10, 18, 12, tzinfo=UTC)


def entry(**told: Any) -> Entry:
    return read(json.dumps({"tool": "Bash"} | told).encode())


class TestTimes:
    @pytest.mark.parametrize(
        ("text", "time"),
        [
            ("2025-10-18T12:00:00Z", NOON),
            ("2025-10-18T12:00:00.286270Z", NOON.replace(microsecond=286270)),
            ("2025-10-18T12:00:00.79Z", NOON.replace(microsecond=790000)),
            ("2025-10-18T14:00:00+02:00", NOON),
        ],
    )
    def test_it_is_an_instant_to_the_second_or_finer(self, text: str, time: datetime) -> None:
        assert entry(timestamp=text).at == time
        assert entry(timestamp=text).notes == []

    def test_null_and_none_are_no_time_and_no_matter(self) -> None:
        for told in (entry(timestamp=None), entry()):
            assert (told.at, told.notes) == (None, [])

    def test_without_a_zone_it_is_utc_and_noted(self) -> None:
        told = entry(timestamp="2025-10-18T12:00:00")
        assert (told.at, told.notes) == (NOON, [entries.NO_ZONE])

    @pytest.mark.parametrize(
        "value",
        [
            "",
            "soon",
            "2025-10-18",
            "2025-13-18T12:00:00Z",
            "1969-12-31T23:59:59Z",
            "9999-12-31T23:59:59-23:00",
            "0001-01-01T00:00:00+23:00",
            "2025-10-18T12:00:00Z" + " " * 50,
            1760788800,
            True,
            ["2025-10-18T12:00:00Z"],
        ],
    )
    def test_what_makes_no_sense_is_no_time_and_noted(self, value: Any) -> None:
        told = entry(timestamp=value)
        assert (told.at, told.notes) == (None, [entries.NO_TIME])

    def test_it_is_kept_in_utc(self) -> None:
        told = entry(timestamp="2025-10-18T14:00:00+02:00").at
        assert told is not None
        assert told.tzinfo == timezone(timedelta()) == UTC


class TestFacts:
    def test_an_error_is_a_text(self) -> None:
        assert entry(error="  no such file ").error == "no such file"
        for value in (None, "", "  ", False, 0):
            assert (entry(error=value).error, entry(error=value).notes) == ("", [])
        assert entry(error={"code": 1}).notes == [entries.NO_TEXT]

    def test_a_flag_of_errors_is_not_believed(self) -> None:
        told = entry(has_error=True)
        assert (told.error, told.notes) == ("", [entries.NOT_BELIEVED])
        assert entry(has_error=True, error="boom").notes == []

    def test_an_unknown_agent_tells_nothing(self) -> None:
        assert [entry(agent=name).agent for name in (None, "", "unknown")] == ["", "", ""]
        assert entry(agent="code_agent").agent == "code_agent"
        for value in (5, "x" * 101, "a\0b"):
            assert (entry(agent=value).agent, entry(agent=value).notes) == ("", [entries.NO_AGENT])

    def test_a_task_id_is_what_recording_takes_for_one(self) -> None:
        assert [entry(task_id=id).task_id for id in (None, "", "a1b2c0")] == ["", "", "a1b2c0"]
        for value in (5, "x" * 65, "a\0b", "../a", ["a"]):
            told = entry(task_id=value)
            assert (told.task_id, told.notes) == ("", [entries.NO_TASK])

    def test_a_duration_is_a_number_of_milliseconds(self) -> None:
        assert [entry(duration=ms).duration_ms for ms in (None, 0, 152.0)] == [None, 0.0, 152.0]
        for value in (-1, True, "5", 10**13, float("nan"), float("inf")):
            told = entry(duration=value)
            assert (told.duration_ms, told.notes) == (None, [entries.NO_DURATION])

    def test_parameters_are_an_object_with_whatever_keys(self) -> None:
        assert entry(parameters={"-n": True, "-C": 3}).parameters == {"-n": True, "-C": 3}
        assert entry(parameters=None).parameters == {}
        assert entry(parameters="ls").notes == [entries.NO_OBJECT]

    def test_only_the_unknown_tool_with_status_error_is_a_fault_of_the_hook(self) -> None:
        assert entry(tool="unknown", status="error").is_hook_failure
        assert not entry(tool="unknown").is_hook_failure
        assert not entry(status="error").is_hook_failure

    def test_blocked_is_a_status(self) -> None:
        assert entry(status="blocked").is_blocked
        assert not entry(status="starting").is_blocked
        assert not entry(status=["blocked"]).is_blocked


class TestUnreadable:
    @pytest.mark.parametrize(
        ("text", "cause"),
        [
            (b"42", "is no JSON object"),
            (b"[]", "is no JSON object"),
            (b'{"tool": "Ba', "is no JSON"),
            (b'{"tool": "Bash"}{}', "is no JSON"),
            (b'{"tool": "\xff"}', "is not UTF-8"),
            (b'{"a": ' + b"[" * 100_000, "is no JSON"),
            (b'{"tool": "Bash", "a": ' + b"9" * 5000 + b"}", "is no JSON"),
            (b"{}", "names no tool"),
            (b'{"tool": null}', "names no tool"),
            (b'{"tool": ""}', "names no tool"),
            (b'{"tool": "a\\u0000b"}', "names no tool"),
            (b'{"tool": "\\ud800"}', "names no tool"),
            (b'{"tool": "' + b"x" * 129 + b'"}', "names no tool"),
        ],
    )
    def test_the_cause_is_said_without_a_word_of_the_line(self, text: bytes, cause: str) -> None:
        with pytest.raises(Unreadable) as refusal:
            read(text)
        assert str(refusal.value) == cause
