"""A task whose page has everything to show."""

from datetime import timedelta
from pathlib import Path
from typing import Any

from django.utils import timezone

from sessions.events import SessionEvent, ToolEnded, ToolStarted
from sessions.recording import record
from tasks.models import Task
from tasks.reporting import report

PICTURE = Path(__file__).parents[2] / "docs" / "images" / "dashboard.png"


def call(n: int, kind: type[SessionEvent] = ToolEnded, **fields: Any) -> SessionEvent:
    base: dict[str, Any] = {"session_key": "s1", "task_id": "t1", "tool_name": "Bash"}
    base |= {"tool_use_id": f"toolu_{n}", "parameters": {"command": f"make step-{n}"}}
    base |= {"at": timezone.now() - timedelta(seconds=60 - n)}
    if kind is ToolEnded:
        base |= {"success": True}
    return kind(**base | fields)


def busy_task(status: str = "running") -> Task:
    """A task with something of every kind that its page can show."""
    at = timezone.now() - timedelta(minutes=2)
    report(task_id="t1", at=at, status="running", description="Mend the import\n" + "word " * 80)
    todos = [
        {"content": text, "status": state, "activeForm": "Doing it"}
        for text, state in [("Read", "completed"), ("Write", "in_progress"), ("Test", "pending")]
    ]
    record(
        [
            call(1, tool_name="TodoWrite", parameters={"todos": todos}),
            call(2, success=False, error="Exit code 1\n" + "no-spaces-" * 60),
            call(3, session_key="sub", parent_key="s1", title="A helper"),
            call(4, tool_name="Agent", parameters={"description": "Help", "subagent_type": "x"}),
            call(5, tool_name="Edit", parameters={"file_path": "/a/very/long/path" * 9}),
            call(6, ToolStarted),
        ]
    )
    if status != "running":
        report(task_id="t1", at=timezone.now(), status=status, error="It broke")
    report(task_id="empty", at=at, status="pending")
    found = Task.objects.get(pk="t1")
    for name in ("first.png", "second.png"):
        found.attach(name, PICTURE.read_bytes())
    found.attach("notes.md", b"# Notes")
    return found
