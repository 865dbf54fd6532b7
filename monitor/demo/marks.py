"""By what invented data are known, here and nowhere else, and what else a database holds."""

from __future__ import annotations

from typing import Any

from django.db.models import F, Q, QuerySet, Value
from django.db.models.functions import Left
from django.db.models.lookups import Exact

from costs.models import CostRecord, SpendingLimit, UserDay, UserHour
from sessions.models import Session
from tasks.models import Task

MARK = "demo-data-"
"""The beginning of the id of every task, the key of every session, and every id of a record."""

SOURCE = "demo-data"
"""The source of every cost record and session."""

USERS = tuple(f"demo-{number}" for number in range(100000001, 100000009))


class Refused(Exception):
    """Nothing was changed; the text says why, and what to do."""


def tasks() -> QuerySet[Task]:
    return Task.objects.filter(_marked("id"))


def sessions() -> QuerySet[Session]:
    """The invented sessions, and whatever else was reported to an invented task."""
    return Session.objects.filter(_marked("key") | _marked("task_id"))


def records() -> QuerySet[CostRecord]:
    return CostRecord.objects.filter(source=SOURCE, source_id__isnull=False)


def limits() -> QuerySet[SpendingLimit]:
    return SpendingLimit.objects.filter(user_id__in=USERS)


def seed() -> str | None:
    """The seed of the data that are loaded; None where none are."""
    if task := tasks().order_by("id").first():
        return task.id.removeprefix(MARK).partition("-")[0]
    if record := records().order_by("id").first():
        return (record.source_id or "").removeprefix(MARK).partition("-")[0]
    return "?" if sessions().exists() or limits().exists() else None


def others() -> list[str]:
    """What there is that nobody invented, in words; pruned costs show in the history."""
    real: dict[str, QuerySet[Any]] = {
        "tasks": Task.objects.filter(~_marked("id")),
        "sessions": Session.objects.filter(~_marked("key")),
        "cost records": CostRecord.objects.exclude(source=SOURCE, source_id__isnull=False),
        "a history of costs": UserDay.objects.exclude(user_id__in=USERS),
        "limits": SpendingLimit.objects.exclude(user_id__in=USERS),
    }
    return [name for name, rows in real.items() if rows.exists()]


def remains() -> tuple[int, int]:
    """The requests and nano-dollars of invented users that the history holds yet."""
    cells = UserHour.objects.filter(user_id__in=USERS).values_list("requests", "cost_nano")
    sums = [sum(column) for column in zip(*cells, strict=True)]
    return (sums[0], sums[1]) if sums else (0, 0)


def _marked(field: str) -> Q:
    """Letter by letter, where LIKE would take capitals for small letters on one database."""
    return Q(Exact(Left(F(field), len(MARK)), Value(MARK)))
