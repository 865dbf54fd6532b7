"""The list of tasks and sessions, and what leads through it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from monitor.activity import Figures, Tab, WorkRow
from monitor.gallery.cast import DOLLAR, ago
from monitor.periods import range_links

RUNNING = WorkRow(
    kind="task",
    name="3ceb3ffd",
    status="running",
    title="Fix the parser of nested quotes",
    note="Reading the sources",
    agent="claude-code",
    model="claude-sonnet-4-5",
    user_id="100000001",
    at=ago(8),
    duration=timedelta(minutes=2, seconds=55),
    figures=Figures(calls=26, failures=3, cost_nano=13 * DOLLAR),
)
BARE = WorkRow("task", "a530e883", "pending", "Task a530e883", "", "", "", "", ago(300), None)
IDLE = replace(RUNNING, kind="session", name="0199c1de", status="idle", title="A session", note="")
TITLE = "Find why the import of last night's records takes so long, and say what to do " * 2
LONG = replace(RUNNING, title=TITLE, note="make " * 60, user_id="u" * 64, model="m" * 100)
ROWS = [RUNNING, BARE, IDLE, *(replace(RUNNING, status=s) for s in ("completed", "failed"))]
TABS = [
    Tab("active", 26, "?show=active", True),
    Tab("completed", 8, "?show=completed", False),
    Tab("failed", 8, "?show=failed", False),
    Tab("all", 42, "?show=all", False),
]
NOBODY = {"text": "No match in this list.", "query": "?show=all", "words": "Look in all lists"}


def work(**facts: Any) -> dict[str, Any]:
    """As monitor.activity.Work, which asks the database."""
    page = {"previous": "", "next": "?page=2", "number": 1, "pages": 2, "hint": NOBODY}
    counts = {"tasks": 40, "sessions": 2, "tabs": TABS, "rows": []}
    return {"selection": None, **page, **counts, **facts}


STATES: dict[str, dict[str, dict[str, Any]]] = {
    "status_pill": {
        status: {"status": status}
        for status in ("running", "active", "idle", "pending", "completed", "failed", "stopped")
    }
    | {"archived": {"status": "archived"}},
    "activity_list": {
        "full": {"work": work(rows=ROWS), "is_new": False, "range": "24h"},
        "nothing found": {"work": work(), "is_new": False, "range": "24h"},
        "new": {"work": work(tasks=0, sessions=0), "is_new": True, "range": "24h"},
    },
    "activity_row": {
        "running": {"row": RUNNING, "range": "24h"},
        "little known": {"row": BARE, "range": "24h"},
        "long texts": {"row": LONG, "range": "24h"},
    },
    "ranges": {"as it is": {"ranges": range_links("24h", "?range={}".format)}},
    "pager": {
        "first": {"previous": "", "next": "?page=2", "number": 1, "pages": 12},
        "between": {"previous": "?page=1", "next": "?page=3", "number": 2, "pages": 12},
        "last": {"previous": "?page=11", "next": "", "number": 12, "pages": 12},
    },
}
