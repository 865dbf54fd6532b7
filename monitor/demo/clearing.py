"""Takes the invented data out again, and leaves what was there before."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from costs import erasing as costs
from monitor.demo import marks
from sessions import erasing as sessions
from tasks.models import Attachment, Task
from tasks.pruning import remove

Watch = Callable[[Iterable[Any], int, str], Iterable[Any]]
TOGETHER = 50


@dataclass(frozen=True)
class Cleared:
    """What is gone; and, in requests and nano-dollars, what cannot go: its records were pruned."""

    tasks: int
    sessions: int
    calls: int
    records: int
    limits: int
    kept_requests: int
    kept_nano: int

    @property
    def is_nothing(self) -> bool:
        return not (self.tasks or self.sessions or self.records or self.limits)


def clear(watch: Watch) -> Cleared:
    """Delete all demo data with all their sums, in several transactions; may be run again.

    What anybody added to a demo task or session goes with it. Of demo data that were pruned since
    they were loaded, the sums stay.
    """
    families = marks.sessions()
    erased = list(watch(sessions.erase(families), families.count(), "Sessions"))
    tasks = _tasks()
    records = costs.erase(marks.SOURCE).records
    limits, _ = marks.limits().delete()
    return Cleared(
        tasks,
        sum(family.sessions for family in erased),
        sum(family.calls for family in erased),
        records,
        limits,
        *marks.remains(),
    )


def _tasks() -> int:
    """Delete the tasks with their logs and files, some at a time; answers how many."""
    ids = list(marks.tasks().order_by("id").values_list("id", flat=True))
    for first in range(0, len(ids), TOGETHER):
        some = ids[first : first + TOGETHER]
        with transaction.atomic():
            list(Task.objects.select_for_update().filter(id__in=some).order_by("id").only("pk"))
            remove(Attachment.objects.filter(task__in=some))
            Task.objects.filter(id__in=some).delete()
    return len(ids)
