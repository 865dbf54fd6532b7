"""The figures of tasks, of tools and of the system itself, as several routes tell them."""

from __future__ import annotations

import json
from collections import defaultdict
from datetime import datetime
from typing import Annotated, Any

from django.db.models import Count
from django.db.models.functions import Left
from msgspec import Meta, Struct

from monitor.api.machine import DiskSpace, data_sizes, disk_space
from monitor.api.tools import Tools
from monitor.api.window import Span, window
from sessions.models import Session, ToolCall
from tasks.models import Activity, Status, Task

DAY = 24  # hours
RECENT_TASKS, RECENT = 20, 10
DESCRIPTION, ERROR = 100, 200  # characters

Rate = Annotated[float, Meta(ge=0, le=100, description="0 to 100.")]


class RunningCall(Struct):
    """A call of which no end was reported yet; `parameters` is JSON text."""

    tool_name: str
    timestamp: datetime
    duration_ms: int | None
    success: bool | None
    error: str | None
    parameters: str


class RecentTask(Struct):
    """`description` is cut at 100 characters; `tool_usage` holds the calls in progress."""

    task_id: str
    user_id: str
    description: str
    status: str
    created_at: datetime
    updated_at: datetime
    model: str
    agent_type: str
    last_agent_type: str | None
    tool_usage: list[RunningCall]


class RecentTasks(Struct):
    """`total` tasks were created in the last 24 hours; `completed` and `failed` ended in them.

    `tasks` are the 20 that were created last, whenever that was.
    """

    total: int
    completed: int
    failed: int
    tasks: list[RecentTask]


class TaskStatistics(Struct):
    """All tasks: `success_rate` is completed / (completed + failed), 0 where neither is."""

    total_tasks: int
    by_status: dict[str, int]
    success_rate: Rate
    recent_24h: RecentTasks


def task_statistics(now: datetime) -> TaskStatistics:
    counts = dict.fromkeys(Status.values, 0)
    counts |= dict(Task.objects.values_list("status").annotate(n=Count("*")))
    completed, finished = counts["completed"], counts["completed"] + counts["failed"]
    return TaskStatistics(
        total_tasks=sum(counts.values()),
        by_status=counts,
        success_rate=100 * completed / finished if finished else 0.0,
        recent_24h=recent_tasks(now),
    )


def recent_tasks(now: datetime) -> RecentTasks:
    day = window(now, hours=DAY)
    newest = Task.objects.order_by("-created_at", "-pk").defer("context", "result", "error")
    tasks = list(newest[:RECENT_TASKS])
    running = _running_calls([task.pk for task in tasks], now)
    return RecentTasks(
        total=Task.objects.created_between(*day).count(),
        completed=Task.objects.completed_between(*day).count(),
        failed=Task.objects.failed_between(*day).count(),
        tasks=[_recent(task, running[task.pk]) for task in tasks],
    )


def _recent(task: Task, running: list[RunningCall]) -> RecentTask:
    return RecentTask(
        task_id=task.pk,
        user_id=task.user_id,
        description=task.description[:DESCRIPTION],
        status=task.status,
        created_at=task.created_at,
        updated_at=task.updated_at,
        model=task.model,
        agent_type=task.agent_type,
        last_agent_type=task.last_agent_type or None,
        tool_usage=running,
    )


def _running_calls(tasks: list[str], now: datetime) -> dict[str, list[RunningCall]]:
    """By task, the calls of its sessions that began in the last 24 hours and have no end yet."""
    sessions = Session.objects.open(now).filter(task__in=tasks)
    calls = ToolCall.objects.filter(session__in=sessions).in_progress(now)
    begun = calls.between(*window(now, hours=DAY)).order_by("started_at", "pk")
    found: dict[str, list[RunningCall]] = defaultdict(list)
    rows = begun.values_list("session__task_id", "tool_name", "started_at", "parameters")
    for task, tool, at, parameters in rows:
        call = RunningCall(tool, at, None, None, None, json.dumps(parameters, ensure_ascii=False))
        found[str(task)].append(call)
    return found


class ToolFigures(Struct):
    """`success_rate` is the share of calls that did not fail, `avg_duration_ms` the mean over the
    calls whose duration is known, null where there is none."""

    tool: str
    count: int
    success_rate: Rate
    avg_duration_ms: float | None


class StatusChange(Struct):
    timestamp: datetime
    task_id: str
    status: str
    message: str


class AgentStatus(Struct):
    """The changes of state in the window that the logs of tasks tell; the last 10 in full."""

    total_status_changes: int
    by_status: dict[str, int]
    recent_changes: list[StatusChange]


class ToolUsage(Struct):
    """Tool calls that began in the window; a call is one, however many events it took.

    `most_used_tools` are the 10 tools that were called most.
    """

    time_window_hours: int
    total_tool_calls: int
    tools_breakdown: dict[str, int]
    most_used_tools: list[ToolFigures]
    agent_status: AgentStatus


def tool_usage(tools: Tools, hours: int) -> ToolUsage:
    """Of the last `hours`, of which `tools` tells."""
    return ToolUsage(
        time_window_hours=hours,
        total_tool_calls=tools.calls,
        tools_breakdown=tools.by_type,
        most_used_tools=[
            ToolFigures(name, count, tools.success_rate(name), tools.mean(name))
            for name, count in list(tools.by_type.items())[:RECENT]
        ],
        agent_status=agent_status(tools.span),
    )


def agent_status(span: Span) -> AgentStatus:
    start, end = span
    changes = Activity.objects.exclude(status="").filter(time__gte=start, time__lt=end)
    counts = dict(changes.values_list("status").annotate(n=Count("*")).order_by("status"))
    recent = changes.order_by("-time", "-pk").values_list("time", "task_id", "status", "message")
    newest = [StatusChange(*change) for change in recent[:RECENT]]
    return AgentStatus(sum(counts.values()), counts, newest)


class RecentError(Struct):
    """A task that failed, and when; `error` is cut at 200 characters."""

    task_id: str
    timestamp: datetime
    error: str


class SystemHealth(Struct):
    """`active_tasks_count`: tasks pending or running, and sessions of no known task active now.

    `recent_errors_24h` counts all tasks that failed in the last 24 hours, by the time at which they
    finished; `recent_errors` are the newest 10 of them. Sizes are in MiB.
    """

    data_file_sizes_mb: dict[str, float]
    active_tasks_count: int
    recent_errors_24h: int
    recent_errors: list[RecentError]
    disk_space: DiskSpace
    timestamp: datetime


def system_health(now: datetime) -> SystemHealth:
    failed = Task.objects.failed_between(*window(now, hours=DAY))
    newest = failed.annotate(head=Left("error", ERROR)).order_by("-finished_at", "-pk")
    rows: Any = newest.values_list("pk", "finished_at", "head")[:RECENT]
    alone = Session.objects.standing_alone().active(now)
    return SystemHealth(
        data_file_sizes_mb=data_sizes(),
        active_tasks_count=Task.objects.active().count() + alone.count(),
        recent_errors_24h=failed.count(),
        recent_errors=[RecentError(*row) for row in rows],
        disk_space=disk_space(),
        timestamp=now,
    )
