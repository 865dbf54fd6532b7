"""What an event changes of a session and of a tool call: pure, in any order, any number of times.

Of each value the merge keeps an extreme (the earliest start, the first end, the fullest
parameters), and extremes do not depend on the order in which they are found.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sessions.events import FACTS, SessionEnded, SessionEvent, ToolEnded, ToolStarted
from sessions.models import Session, ToolCall
from sessions.models.tool_call import BARE, MAX_PATH
from sessions.planning import PLANNING_TOOLS
from tasks.errors import category, fingerprint
from tasks.facts import learn
from tasks.instants import EPOCH

MILLISECOND = timedelta(milliseconds=1)
PATHS = ("file_path", "notebook_path")


def hear(session: Session, event: SessionEvent) -> None:
    """Merge what an event tells of its session, but for the parent."""
    session.started_at = min(session.started_at, event.at)
    session.last_activity_at = max(session.last_activity_at, event.at)
    learn(session, {name: getattr(event, name) for name in ("task_id", *FACTS)}, event.at)
    if isinstance(event, SessionEnded):
        known = (session.ended_at or EPOCH, session.end_reason)
        session.ended_at, session.end_reason = max(known, (event.at, event.reason))


def merge(call: ToolCall, event: ToolStarted) -> None:
    """Merge a start or an end into a call."""
    call.tool_name = max(call.tool_name, event.tool_name)
    if event.parameters and event.parameters != call.parameters and not call.is_bare:
        call.parameters = max(call.parameters, dict(event.parameters), key=_fullness)
        call.file_path = _path(call.parameters)
    if isinstance(event, ToolEnded):
        _end(call, event)
    else:
        call.reported_start_at = min(call.reported_start_at or event.at, event.at)
    call.started_at = _earliest(call)
    call.duration_ms = _duration(call)


def shed(call: ToolCall, session: Session) -> None:
    """Leave out what of a call is too old to be kept; its plan stays, which is a figure."""
    if session.has_pruned_body(call.started_at) and call.tool_name not in PLANNING_TOOLS:
        call.parameters, call.error = BARE, ""


def _end(call: ToolCall, event: ToolEnded) -> None:
    """The first end counts; of two at one time the failure, then the lesser text."""
    reported = None if event.duration_ms is None else round(event.duration_ms)
    told = (event.at, event.success, event.error, -1 if reported is None else reported)
    if call.finished_at is None or told < _outcome(call.finished_at, call):
        call.finished_at, call.success, call.error = event.at, event.success, event.error
        call.reported_ms = reported
        call.error_category = "" if event.success else category(event.error)
        call.error_fingerprint = "" if event.success else fingerprint(event.error)
    for name in ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens"):
        setattr(call, name, max(getattr(call, name), getattr(event, name)))


def _outcome(finished_at: datetime, call: ToolCall) -> tuple[Any, ...]:
    reported = -1 if call.reported_ms is None else call.reported_ms
    return finished_at, call.success, call.error, reported


def _earliest(call: ToolCall) -> datetime:
    """The start as reported or, from the end, as the duration tells; whichever comes first."""
    known = [call.reported_start_at] if call.reported_start_at else []
    if call.finished_at:
        length = min((call.reported_ms or 0) * MILLISECOND, call.finished_at - EPOCH)
        known.append(call.finished_at - length)
    return min(known)


def _duration(call: ToolCall) -> int | None:
    """Milliseconds; None where an end is missing, or a start that lies before it."""
    if call.finished_at is None or call.reported_ms is not None:
        return call.reported_ms
    if call.reported_start_at is None or call.reported_start_at > call.finished_at:
        return None
    return (call.finished_at - call.reported_start_at) // MILLISECOND


def _fullness(parameters: Mapping[str, Any]) -> tuple[int, str]:
    text = json.dumps(parameters, sort_keys=True)
    return len(text), text


def _path(parameters: Mapping[str, Any]) -> str:
    """The file a call is about; of a path too long for its column, the end tells more."""
    told = (parameters.get(name) for name in PATHS)
    path = next((path for path in told if isinstance(path, str)), "")
    return path[-MAX_PATH:]
