"""What was told last, of tasks and of sessions that work on none."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Count, OuterRef, Q, Subquery
from msgspec import Struct

from sessions.models import Session, ToolCall
from sessions.models.session import ACTIVE_FOR
from tasks.models import Activity, Task

LINES = 10  # of each task
SESSIONS = 5
DESCRIPTION = 50  # characters


class Told(Struct):
    """A line of a task's log, or what a session without a task has done in the last 5 minutes."""

    task_id: str
    description: str
    status: str
    timestamp: datetime
    message: str
    output_lines: int | None


def told_last(limit: int, now: datetime, user_id: str = "") -> list[Told]:
    """The newest of all, newest first, of one user where given.

    Looked for in the last 10 lines of each of the `limit` tasks of which there was news last, and
    among the 5 sessions that were active last.
    """
    told = [*_of_tasks(limit, user_id), *_of_sessions(now, user_id)]
    return sorted(told, key=lambda line: line.timestamp, reverse=True)[:limit]


def _of_tasks(limit: int, user_id: str) -> list[Told]:
    times = Activity.objects.filter(task=OuterRef("pk")).order_by("-time").values("time")
    tasks = Task.objects.filter(user_id=user_id) if user_id else Task.objects.all()
    newest = tasks.order_by("-updated_at", "-pk").annotate(since=Subquery(times[LINES - 1 : LINES]))
    lines = Q(pk__in=[])
    known = {task.pk: task for task in newest.only("description", "status")[:limit]}
    for task in known.values():
        since = task.since  # type: ignore[attr-defined]
        lines |= Q(task=task.pk, time__gte=since) if since else Q(task=task.pk)
    rows = Activity.objects.filter(lines).exclude(message="").order_by("-time", "-pk")
    return [
        Told(
            task_id=line.task_id,
            description=known[line.task_id].description[:DESCRIPTION],
            status=known[line.task_id].status,
            timestamp=line.time,
            message=line.message,
            output_lines=line.output_lines,
        )
        for line in rows[:limit]
    ]


def _of_sessions(now: datetime, user_id: str) -> list[Told]:
    alone = Session.objects.standing_alone().active(now)
    mine = alone.filter(user_id=user_id) if user_id else alone
    active = list(mine.order_by("-last_activity_at", "-pk")[:SESSIONS])
    calls = _calls([session.pk for session in active], now - ACTIVE_FOR)
    return [
        Told(
            task_id=session.key,
            description="CLI Session (active)",
            status="running",
            timestamp=session.last_activity_at,
            message=f"{calls.get(session.pk, 0)} tool calls in last {_minutes(ACTIVE_FOR)}min",
            output_lines=None,
        )
        for session in active
    ]


def _calls(sessions: list[int], since: datetime) -> dict[int, int]:
    begun = ToolCall.objects.filter(session__in=sessions, started_at__gte=since)
    return dict(begun.values_list("session").annotate(Count("pk")))


def _minutes(span: timedelta) -> int:
    return span // timedelta(minutes=1)
