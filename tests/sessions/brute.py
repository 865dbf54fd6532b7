"""What a set of events must come to, the slow way: each figure from all events at once."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sessions.durations import bucket, unpacked
from sessions.events import SessionEnded, SessionEvent, ToolEnded, ToolStarted
from sessions.models import FileAccess, Session, ToolCall, ToolDay, ToolHour, ToolMonth

BASE = datetime(2025, 12, 31, 23, 59, 50, tzinfo=UTC)
EDITS = {"Edit", "MultiEdit", "NotebookEdit"}


def at(seconds: float) -> datetime:
    return BASE + timedelta(seconds=seconds)


def call_of(events: Sequence[ToolStarted]) -> dict[str, Any]:
    """The row that the events of one call must leave."""
    ends = [event for event in events if isinstance(event, ToolEnded)]
    starts = [event.at for event in events if not isinstance(event, ToolEnded)]
    fullest = max((event.parameters or {} for event in events), key=lambda p: (len(str(p)), str(p)))
    row: dict[str, Any] = {
        "tool_name": events[0].tool_name,
        "parameters": fullest,
        "file_path": fullest.get("file_path", ""),
        "finished_at": None,
        "success": None,
        "error": "",
        "duration_ms": None,
        "started_at": min(starts, default=None),
    }
    if ends:
        end = min(ends, key=lambda e: (e.at, e.success, e.error, e.duration_ms or -1))
        length = timedelta(milliseconds=end.duration_ms or 0)
        row["finished_at"], row["success"], row["error"] = end.at, end.success, end.error
        row["started_at"] = min([*starts, end.at - length])
        if end.duration_ms is not None:
            row["duration_ms"] = int(end.duration_ms)
        elif starts and min(starts) <= end.at:
            row["duration_ms"] = (end.at - min(starts)) // timedelta(milliseconds=1)
    return row


def calls_of(events: Iterable[SessionEvent]) -> dict[tuple[str, str], dict[str, Any]]:
    by_call: dict[tuple[str, str], list[ToolStarted]] = defaultdict(list)
    for event in events:
        if isinstance(event, ToolStarted):
            by_call[event.session_key, event.tool_use_id].append(event)
    return {key: call_of(told) for key, told in by_call.items()}


def sessions_of(events: Sequence[SessionEvent]) -> dict[str, dict[str, Any]]:
    calls = calls_of(events)
    rows = {}
    for key in {event.session_key for event in events}:
        mine = [event for event in events if event.session_key == key]
        ends = [(e.at, e.reason) for e in mine if isinstance(e, SessionEnded)]
        named = [(e.at, e.model) for e in mine if e.model]
        own = [row for (session, _), row in calls.items() if session == key]
        rows[key] = {
            "started_at": min(event.at for event in mine),
            "last_activity_at": max(event.at for event in mine),
            "ended_at": max(ends)[0] if ends else None,
            "end_reason": max(ends)[1] if ends else "",
            "model": max(named)[1] if named else "",
            "calls": len(own),
            "failures": sum(row["success"] is False for row in own),
        }
    return rows


ROLLUPS = {"hours": ToolHour, "days": ToolDay, "months": ToolMonth}


def units_of(start: datetime) -> dict[str, Any]:
    day = start.date()
    hour = datetime(day.year, day.month, day.day, start.hour, tzinfo=UTC)
    return {"hours": hour, "days": day, "months": date(day.year, day.month, 1)}


def rollups_of(events: Iterable[SessionEvent]) -> dict[str, dict[Any, Any]]:
    told: dict[str, dict[Any, list[Any]]] = {name: defaultdict(list) for name in ROLLUPS}
    files: dict[Any, list[tuple[str, datetime]]] = defaultdict(list)
    for (session, _), row in calls_of(events).items():
        for name, unit in units_of(row["started_at"]).items():
            told[name][row["tool_name"], unit].append(row)
        if row["file_path"]:
            files[session, row["file_path"]].append((row["tool_name"], row["started_at"]))
    return {name: {key: _sums(rows) for key, rows in told[name].items()} for name in ROLLUPS} | {
        "files": {key: _uses(uses) for key, uses in files.items()}
    }


def _sums(calls: Sequence[dict[str, Any]]) -> tuple[Any, ...]:
    known = [call["duration_ms"] for call in calls if call["duration_ms"] is not None]
    failures = sum(call["success"] is False for call in calls)
    return len(calls), failures, len(known), sum(known), dict(Counter(map(bucket, known)))


def _uses(uses: Sequence[tuple[str, datetime]]) -> tuple[Any, ...]:
    tools, times = [tool for tool, _ in uses], [time for _, time in uses]
    writes, edits = tools.count("Write"), sum(tool in EDITS for tool in tools)
    return len(tools) - writes - edits, writes, edits, min(times), max(times)


def stored() -> tuple[dict[Any, Any], dict[Any, Any], dict[str, dict[Any, Any]]]:
    """What the database holds, in the forms of calls_of, sessions_of and rollups_of."""
    keys = dict(Session.objects.values_list("pk", "key"))
    calls = {
        (keys[row.session_id], row.tool_use_id): {
            name: getattr(row, name) for name in call_of([_ANY])
        }
        for row in ToolCall.objects.all()
    }
    shown = sessions_of([_ANY])[_ANY.session_key]
    sessions = {
        row.key: {name: getattr(row, name) for name in shown} for row in Session.objects.all()
    }
    rollups: dict[str, dict[Any, Any]] = {
        name: {
            (r.tool_name, getattr(r, table.key)): (
                r.calls,
                r.failures,
                r.timed,
                r.total_ms,
                unpacked(r.durations),
            )
            for r in table.objects.all()
        }
        for name, table in ROLLUPS.items()
    } | {
        "files": {
            (keys[r.session_id], r.path): (r.reads, r.writes, r.edits, r.first_at, r.last_at)
            for r in FileAccess.objects.all()
        },
    }
    return calls, sessions, rollups


def expected(events: Sequence[SessionEvent]) -> tuple[Any, Any, Any]:
    return calls_of(events), sessions_of(events), rollups_of(events)


_ANY = ToolStarted(session_key="any", at=BASE, tool_use_id="any", tool_name="any")
