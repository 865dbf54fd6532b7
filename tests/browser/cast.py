"""Tasks and sessions in every state, and how a browser finds its way in the list of them."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone
from playwright.sync_api import Locator, Page, Route

from sessions.events import ToolEnded
from sessions.recording import record
from tasks.reporting import report

ASK = "document.dispatchEvent(new Event('stream:news'))"  # what a page does when there is news
MINUTE = timedelta(minutes=1)
LONG = "Averylongwordwithoutanyspace" * 9


def task(name: str, status: str = "running", at: datetime | None = None, **fields: Any) -> None:
    at = at or timezone.now() - MINUTE
    report(task_id=name, at=at, status=status, **{"description": f"Do {name}"} | fields)


def calls(session_key: str, count: int = 3, task_id: str = "", **fields: Any) -> None:
    event = {"session_key": session_key, "task_id": task_id, "tool_name": "Bash"} | fields
    now = timezone.now()
    record(
        [
            ToolEnded(at=now, tool_use_id=str(n), success=n > 0, duration_ms=380, **event)
            for n in range(count)
        ]
    )


def everything() -> None:
    """Rows in every state, and texts that do not mean well."""
    for status in ("pending", "running", "completed", "failed", "stopped"):
        task(status, status, user_id="4f1d3b52-9c0e-4a7e-9b39-2f8a8f1a0c11", message="Reading")
    task("hostile", description="<img src=x onerror=alert(1)>", message="<script>alert(1)</script>")
    task("long", description=LONG, message=LONG, model="m" * 100, user_id="u" * 64)
    task("日本語", description="リポジトリの依存関係を更新する")
    calls("of-running", task_id="running", parameters={"command": "ls"})
    calls("alone", title="A session of its own", agent="claude-code")


def rows(page: Page) -> Locator:
    return page.locator(".row")


def link(page: Page, name: str) -> Locator:
    return page.locator("#work").get_by_role("link", name=name, exact=True)


def tab(page: Page, name: str) -> Locator:
    return page.get_by_role("navigation", name="List").get_by_role("link", name=name)


def search(page: Page) -> Locator:
    return page.get_by_role("searchbox", name="Search tasks and sessions")


def dialog(page: Page) -> Locator:
    return page.get_by_role("dialog")


def hold(page: Page, url: str) -> Callable[[], None]:
    """Let requests to `url` wait until the function that this answers is called."""
    held: list[Route] = []
    handlers = [held.append]
    page.route(url, lambda route: handlers[0](route))

    def release() -> None:
        handlers[0] = Route.continue_
        for route in held:
            route.continue_()

    return release
