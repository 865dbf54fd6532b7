"""What requests cost and how tasks ended, told as agents tell it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from costs import ledger
from tasks.reporting import report
from tests.monitor.cast import ago

HOUR, DAY = 60, 24 * 60  # minutes


def spent(user: str, at: float, cost: str = "0.5", **facts: Any) -> None:
    ledger.record_usage(
        **{"user_id": user, "model": "haiku", "input_tokens": 3, "output_tokens": 2}
        | {"cost": Decimal(cost), "timestamp": ago(at)}
        | facts
    )


def ended(task_id: str, status: str, created: float, finished: float) -> None:
    report(task_id=task_id, at=ago(created), status="running")
    report(task_id=task_id, at=ago(finished), status=status, error="No" * (status == "failed"))
