"""Tasks and sessions of some age, and what is chosen of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from model_bakery import baker

from monitor.activity import Work
from monitor.selection import Selection
from sessions.models import Session
from tasks.models import ACTIVE, Status, Task

NOW = datetime(2026, 3, 29, 12, 34, 56, tzinfo=UTC)
MINUTE = NOW.replace(second=0)
SECOND, HOUR, DAY = timedelta(seconds=1), timedelta(hours=1), timedelta(days=1)
RECENT, OLD = NOW - 2 * HOUR, NOW - 3 * DAY


def select(**given: str) -> Selection:
    return Selection.parse(given, NOW)


def work(**given: str) -> Work:
    return Work(select(**given))


def task(name: str, status: str = Status.RUNNING, at: datetime = RECENT, **fields: Any) -> Task:
    ended = None if status in ACTIVE else at
    times = {"created_at": at, "updated_at": at, "finished_at": ended}
    return baker.make(Task, **{"id": name, "status": status} | times | fields)


def session(name: str, at: datetime = RECENT, **fields: Any) -> Session:
    times = {"started_at": at, "last_activity_at": at}
    return baker.make(Session, **{"key": name} | times | fields)
