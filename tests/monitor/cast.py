"""A task, its session and their calls, told as agents tell them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

from django.db import connection

from sessions.events import SessionEvent, ToolEnded, ToolStarted
from sessions.recording import record
from tasks.models import Task
from tasks.reporting import report

# A page asks for the version of the database: SQLite is asked beside the connection.
VERSION = connection.vendor == "postgresql"
NOW = datetime(2026, 3, 29, 12, 34, 56, tzinfo=UTC)
PNG = b"\x89PNG\r\n\x1a\n" + bytes(20)
HTMX = {"HX-Request": "true", "HX-Target": "detail"}
HOSTILE = [
    "<img src=x onerror=alert(1)>",
    "\"><script>alert('1')</script>",
    "javascript:alert(1)",
    "a/b/c",
    "50%25 %41",
    "Ünï çödé 日本語",
    "{{ settings }} {% now %}",
    "a?b#c&d=e;f",
    'it\'s \\ "quoted"',
    " spaced out ",
]


def ago(minutes: float) -> datetime:
    return NOW - timedelta(minutes=minutes)


def task(task_id: str = "t1", status: str = "running", at: float = 5, **facts: Any) -> Task:
    report(task_id=task_id, at=ago(at), status=status, **facts)
    return Task.objects.get(pk=task_id)


def called(n: int, at: float = 4, **fields: Any) -> ToolEnded:
    """A call that came back, well unless `fields` say otherwise."""
    base = {"session_key": "s1", "task_id": "t1", "tool_name": "Bash", "success": True}
    base |= {"parameters": {"command": f"make step-{n}"}, "tool_use_id": f"toolu_{n}"}
    return ToolEnded(**base | {"at": ago(at)} | fields)


def begun(n: int, at: float = 4, **fields: Any) -> ToolStarted:
    base = {"session_key": "s1", "task_id": "t1", "tool_name": "Bash"}
    base |= {"parameters": {"command": f"make step-{n}"}, "tool_use_id": f"toolu_{n}"}
    return ToolStarted(**base | {"at": ago(at)} | fields)


def text(fragment: str) -> str:
    """What a reader sees of HTML."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", fragment)).split())


def tell(events: Iterable[SessionEvent]) -> None:
    record(list(events))
