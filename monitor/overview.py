"""The seven figures of the footer, and the one query that tells whether any has changed."""

from dataclasses import dataclass

from django.db import connection

from costs import windows
from monitor.periods import Period
from sessions.models import Session, ToolCall
from tasks.models import Task


@dataclass(frozen=True)
class Overview:
    """Figures of one period. Money is in nano-dollars."""

    errors: int  # tasks that failed
    total_tasks: int  # tasks created
    completed: int
    failed: int
    cost_nano: int
    requests: int
    tool_calls: int
    sessions: int

    @property
    def success_rate(self) -> float | None:
        """The share of finished tasks that ended well, 0 to 1; None when none finished."""
        finished = self.completed + self.failed
        return self.completed / finished if finished else None

    @property
    def is_blank(self) -> bool:
        return not any(vars(self).values())


def overview(period: Period) -> Overview:
    window = period.start, period.end
    spend = windows.spend(*window)
    failed = Task.objects.failed_between(*window).count()
    return Overview(
        errors=failed,
        total_tasks=Task.objects.created_between(*window).count(),
        completed=Task.objects.completed_between(*window).count(),
        failed=failed,
        cost_nano=spend.cost_nano,
        requests=spend.requests,
        tool_calls=ToolCall.objects.between(*window).count(),
        sessions=Session.objects.between(*window).count(),
    )


# On SQLite one write follows another, so ids are visible in order. On PostgreSQL they may
# become visible out of order; the snapshot changes with every commit.
VERSION = {
    "sqlite": """
        SELECT (SELECT max(id) FROM costs_costrecord),
               (SELECT max(pruned_before) FROM costs_ledgerstate),
               (SELECT count(*) FROM tasks_task), (SELECT max(updated_at) FROM tasks_task),
               (SELECT max(id) FROM agent_sessions_session),
               (SELECT max(id) FROM agent_sessions_toolcall)
    """,
    "postgresql": "SELECT pg_current_snapshot()::text",
}


def version() -> str:
    """A text that changes whenever a figure of any period may have changed; one query."""
    with connection.cursor() as cursor:
        cursor.execute(VERSION[connection.vendor])
        return " ".join(str(value) for value in cursor.fetchone())
