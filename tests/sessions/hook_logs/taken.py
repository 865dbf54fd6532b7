"""What an import of hook logs has taken."""

from __future__ import annotations

from typing import Any

from sessions.hook_logs import Report
from sessions.models import ToolCall


def calls(*fields: str) -> list[Any]:
    rows = ToolCall.objects.order_by("id")
    return list(rows.values_list(*fields, flat=len(fields) == 1))


def figures(report: Report) -> tuple[int, int, int, int]:
    counts = report.counts
    return counts.pre, counts.post, counts.added, counts.completed
