"""All that is known of one task."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from monitor.api.tokens import TokenUsage, token_usage
from tasks.models import Task

LOG_LINES = 1_000


class LogLine(Struct):
    timestamp: datetime
    message: str
    output_lines: int | None


class TaskFacts(Struct):
    """All that is known of a task; null where nothing was told.

    `activity_log` holds the newest 1,000 lines, oldest first.
    """

    task_id: str
    user_id: str
    description: str
    status: str
    created_at: datetime
    updated_at: datetime
    model: str
    workspace: str
    agent_type: str
    workflow: str | None
    context: str | None
    current_phase: str | None
    phase_number: int
    last_agent_type: str | None
    result: str | None
    error: str | None
    pid: int | None
    activity_log: list[LogLine]
    token_usage: TokenUsage


def facts(task: Task) -> TaskFacts:
    return TaskFacts(
        task_id=task.pk,
        user_id=task.user_id,
        description=task.description,
        status=task.status,
        created_at=task.created_at,
        updated_at=task.updated_at,
        model=task.model,
        workspace=task.workspace,
        agent_type=task.agent_type,
        workflow=task.workflow or None,
        context=task.context or None,
        current_phase=task.phase or None,
        phase_number=task.phase_number,
        last_agent_type=task.last_agent_type or None,
        result=task.result or None,
        error=task.error or None,
        pid=task.pid,
        activity_log=log(task),
        token_usage=token_usage([task.pk]).get(task.pk, TokenUsage()),
    )


def log(task: Task) -> list[LogLine]:
    newest = task.activity.exclude(message="").order_by("-time", "-pk")[:LOG_LINES]
    return [LogLine(row.time, row.message, row.output_lines) for row in list(newest)[::-1]]
