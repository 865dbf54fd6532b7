"""From a line of a hook log to what it tells: every form that the hooks ever wrote."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sessions.events import MAX_MS, SessionEvent
from sessions.models.session import MAX_NAME
from sessions.models.tool_call import MAX_TOOL_NAME
from tasks.identity import Invalid, check_ids, checked
from tasks.instants import EPOCH, instant

SHORTEST_TIME = len("2025-10-18T11:50:31")
LONGEST_TIME = 40
UNKNOWN = "unknown"

NO_ZONE = "times without a zone: taken as UTC"
NO_TIME = "times that make no sense: taken as missing"
NOT_BELIEVED = "has_error flags without an error: not believed"
NO_OBJECT = "parameters that are no object: passed over"
NO_DURATION = "durations that make no sense: passed over"
NO_TEXT = "errors that are no text: passed over"
NO_AGENT = "names of agents that cannot be one: passed over"
NO_TASK = "task ids that cannot be one: passed over"


class Unreadable(ValueError):
    """A line that tells of no call; the text says why, without a word of the line."""


@dataclass(slots=True)
class Entry:
    """What a line tells. `error` is blank where the call did not fail, `at` in UTC."""

    tool: str
    at: datetime | None
    status: str
    error: str = ""
    agent: str = ""
    task_id: str = ""
    duration_ms: float | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    size: int = 0
    notes: list[str] = field(default_factory=list)

    @property
    def is_hook_failure(self) -> bool:
        """Whether the hook speaks of its own fault, and not of a call."""
        return self.tool == UNKNOWN and self.status == "error"

    @property
    def is_blocked(self) -> bool:
        return self.status == "blocked"


def read(text: bytes) -> Entry:
    """The entry on a line; raises Unreadable."""
    told = _object(text)
    tool = told.get("tool")
    if not isinstance(tool, str) or not 1 <= len(tool) <= MAX_TOOL_NAME or not tool.isprintable():
        raise Unreadable("names no tool")
    notes: list[str] = []
    error = _error(told.get("error"), notes)
    if told.get("has_error") and not error:
        notes.append(NOT_BELIEVED)
    status = told.get("status")
    return Entry(
        tool=tool,
        at=_time(told.get("timestamp"), notes),
        status=status if isinstance(status, str) else "",
        error=error,
        agent=_agent(told.get("agent"), notes),
        task_id=_task_id(told.get("task_id"), notes),
        duration_ms=_duration(told.get("duration"), notes),
        parameters=_parameters(told.get("parameters"), notes),
        size=len(text),
        notes=notes,
    )


def _object(text: bytes) -> dict[str, Any]:
    try:
        told = json.loads(text.decode())
    except UnicodeDecodeError:
        raise Unreadable("is not UTF-8") from None
    except (ValueError, RecursionError):
        raise Unreadable("is no JSON") from None
    if not isinstance(told, dict):
        raise Unreadable("is no JSON object")
    return told


def _time(value: Any, notes: list[str]) -> datetime | None:
    if value is None:
        return None
    try:
        return _instant(value, notes)
    except (ValueError, OverflowError):
        notes.append(NO_TIME)
        return None


def _instant(value: Any, notes: list[str]) -> datetime:
    if not isinstance(value, str) or not SHORTEST_TIME <= len(value) <= LONGEST_TIME:
        raise ValueError("no time")
    time = datetime.fromisoformat(value)
    if time.tzinfo is None:
        time = time.replace(tzinfo=UTC)
        notes.append(NO_ZONE)
    return instant("timestamp", time)


def _error(value: Any, notes: list[str]) -> str:
    if isinstance(value, str):
        return value.strip()
    if value:
        notes.append(NO_TEXT)
    return ""


def _agent(value: Any, notes: list[str]) -> str:
    if value in (None, "", UNKNOWN):
        return ""
    if isinstance(value, str) and len(value) <= MAX_NAME and value.isprintable():
        return value
    notes.append(NO_AGENT)
    return ""


def _task_id(value: Any, notes: list[str]) -> str:
    if value in (None, ""):
        return ""
    try:
        event = checked(SessionEvent(session_key="any", at=EPOCH), {"task_id": value})
        check_ids(event, ["task_id"])
    except Invalid:
        notes.append(NO_TASK)
        return ""
    return str(value)


def _duration(value: Any, notes: list[str]) -> float | None:
    if value is None:
        return None
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if number and math.isfinite(value) and 0 <= value <= MAX_MS:
        return float(value)
    notes.append(NO_DURATION)
    return None


def _parameters(value: Any, notes: list[str]) -> Mapping[str, Any]:
    if isinstance(value, dict):
        return value
    if value is not None:
        notes.append(NO_OBJECT)
    return {}
