"""What a task's agent had to say, newest first."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from itertools import groupby

from django.db.models import QuerySet

from monitor.detail.address import Address
from monitor.detail.paging import Sheet
from tasks.models import Activity

LINES_A_PAGE = 50


@dataclass(frozen=True)
class Entry:
    """Equal neighbours as one line: the newest time, and how many they are."""

    time: datetime
    status: str
    message: str
    output_lines: int | None
    times: int


def merged(rows: Iterable[Activity]) -> list[Entry]:
    """Neighbours that say the same are one entry; nothing else is left out."""
    runs = groupby(rows, key=lambda row: (row.status, row.message, row.output_lines))
    entries = []
    for (status, message, output_lines), run in runs:
        times = [row.time for row in run]
        entries.append(Entry(times[0], status, message, output_lines, len(times)))
    return entries


@dataclass(frozen=True)
class Log:
    task_ids: frozenset[str]
    address: Address

    @property
    def rows(self) -> QuerySet[Activity]:
        return Activity.objects.filter(task_id__in=self.task_ids)

    @cached_property
    def sheet(self) -> Sheet:
        ordered = self.rows.order_by("-time", "-id")
        return Sheet(ordered, LINES_A_PAGE, self.address.log, self.rows.count(), self.url)

    def url(self, number: int) -> str:
        return self.address.to(log=number)

    @cached_property
    def entries(self) -> list[Entry]:
        return merged(self.sheet)
