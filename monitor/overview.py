"""The seven figures of the footer."""

from dataclasses import dataclass

from costs import windows
from monitor.periods import Period
from sessions import statistics
from sessions.models import Session
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
        tool_calls=statistics.count(*window),
        sessions=Session.objects.between(*window).count(),
    )
