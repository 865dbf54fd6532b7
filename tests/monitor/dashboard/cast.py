"""What is worked and spent in the tests of the dashboard, and how a part of it is asked for."""

from datetime import UTC, datetime, timedelta
from typing import Any

from django.test import Client

from costs import ledger
from sessions.events import ToolEnded
from sessions.recording import record as record_events
from tasks.reporting import report

NOW = datetime(2026, 3, 29, 12, 34, 56, tzinfo=UTC)


def record(at: datetime = NOW - timedelta(hours=1), **fields: Any) -> None:
    ledger.record_usage(
        **{"user_id": "ada", "model": "claude-haiku-4-5", "input_tokens": 2_000_000}
        | {"output_tokens": 0, "timestamp": at}
        | fields
    )


def poll(client: Client, target: str, url: str = "/", **headers: str) -> Any:
    return client.get(url, headers={"HX-Request": "true", "HX-Target": target} | headers)


def work(name: str, at: datetime = NOW, **fields: Any) -> None:
    """A task, and a session that works on none; each has made a call."""
    report(**{"task_id": name, "at": at, "status": "running"} | fields)
    for key, task_id in ((f"{name}-session", name), (f"{name}-alone", "")):
        event = {"session_key": key, "task_id": task_id, "at": at, "tool_use_id": "1"}
        record_events([ToolEnded(tool_name="Bash", success=True, duration_ms=380, **event)])
