"""What agents had to say of their tasks, and clients of their sessions, newest first."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from itertools import groupby
from typing import Any

from django.db.models import BigIntegerField, QuerySet, Value

from monitor.detail.address import Address
from monitor.detail.family import Family
from monitor.detail.paging import Sheet
from tasks.models import Activity

LINES_A_PAGE = 50
COLUMNS = ("time", "status", "message", "output_lines", "id")


@dataclass(frozen=True)
class Entry:
    """Equal neighbours as one line: the newest time, and how many they are."""

    time: datetime
    status: str
    message: str
    output_lines: int | None
    times: int


def merged(rows: Iterable[Any]) -> list[Entry]:
    """Neighbours that say the same are one entry; nothing else is left out."""
    runs = groupby(rows, key=lambda row: (row.status, row.message, row.output_lines))
    entries = []
    for (status, message, output_lines), run in runs:
        times = [row.time for row in run]
        entries.append(Entry(times[0], status, message, output_lines, len(times)))
    return entries


@dataclass(frozen=True)
class Log:
    """The log of tasks and that of a family of sessions, as one."""

    task_ids: frozenset[str]
    family: Family
    address: Address

    @property
    def rows(self) -> QuerySet[Activity, Any]:
        of_tasks = Activity.objects.filter(task_id__in=self.task_ids)
        number: BigIntegerField[int | None, int | None] = BigIntegerField()
        blank = {"status": Value(""), "output_lines": Value(None, output_field=number)}
        of_sessions = self.family.activity.annotate(**blank).values_list(*COLUMNS)
        return of_tasks.values_list(*COLUMNS, named=True).union(of_sessions, all=True)

    @cached_property
    def sheet(self) -> Sheet:
        ordered = self.rows.order_by("-time", "-id")
        return Sheet(ordered, LINES_A_PAGE, self.address.log, self.rows.count(), self.url)

    def url(self, number: int) -> str:
        return self.address.to(log=number)

    @cached_property
    def entries(self) -> list[Entry]:
        return merged(self.sheet)
