"""Tasks that nobody works on any more: found, and said to have failed."""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import OperationalError, transaction

from tasks.models import Status, Task
from tasks.processes import alive, is_here, named_at

LAST_WORDS = timedelta(minutes=1)  # for the report of a process that has just ended
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Patience:
    """How long a task may wait for a worker, and run without news.

    What was not heard before `listening_since` may never have arrived: it does not count.
    """

    pending: timedelta = timedelta(minutes=60)
    silent: timedelta = timedelta(minutes=30)
    listening_since: datetime | None = None

    def is_over(self, limit: timedelta, since: datetime, now: datetime) -> bool:
        return now - max(since, self.listening_since or since) > limit


@dataclass(frozen=True)
class Stale:
    """A task with what it failed of; `trouble` is why it could not be said to have failed."""

    task_id: str
    error: str = ""
    trouble: str = ""


def fail_stale(
    now: datetime, patience: Patience | None = None, *, dry_run: bool = False
) -> list[Stale]:
    """Fail each task that waited or was silent for too long, or whose process on this host died.

    Each in a transaction of its own, which looks at the locked row again: a task of which there
    was news in the meantime goes on. A row that makes trouble is logged and stops no other.
    Raises OperationalError when the database itself does not answer.
    """
    patience = patience or Patience()
    step = _judged if dry_run else _failed
    found = [_attempted(step, task, now, patience) for task in _suspects(now, patience)]
    return [stale for stale in found if stale.error or stale.trouble]


def _suspects(now: datetime, patience: Patience) -> list[Task]:
    """Tasks worth a look, by id: read at once, since no cursor may stay open over a write."""
    waiting = Task.objects.pending_since(now - patience.pending)
    silent = Task.objects.silent_since(now - patience.silent)
    here = Task.objects.running().filter(host=socket.gethostname(), pid__isnull=False)
    return list((waiting | silent | here).order_by("id"))


def _attempted(
    step: Callable[[Task, datetime, Patience], str],
    task: Task,
    now: datetime,
    patience: Patience,
) -> Stale:
    try:
        return Stale(task.id, step(task, now, patience))
    except OperationalError:
        raise
    except Exception as trouble:
        logger.exception("Task %r could not be said to have failed", task.id)
        return Stale(task.id, trouble=" ".join(str(trouble).split()))


def _failed(task: Task, now: datetime, patience: Patience) -> str:
    with transaction.atomic():
        row = Task.objects.select_for_update().filter(pk=task.pk).first()
        error = _judged(row, now, patience) if row else ""
        if row and error:
            row.fail(error)
    return error


def _judged(task: Task, now: datetime, patience: Patience) -> str:
    """What the task has failed of at `now`; blank while it may still end well."""
    if task.status == Status.PENDING and patience.is_over(patience.pending, task.created_at, now):
        return f"Pending for more than {_minutes(patience.pending)}: no worker took it up."
    if task.status != Status.RUNNING:
        return ""
    if now - task.updated_at > LAST_WORDS and _has_died(task):
        return f"[dead_process] Process {task.pid} ended without a report."
    if patience.is_over(patience.silent, task.updated_at, now):
        return f"[timeout] No news for more than {_minutes(patience.silent)}."
    return ""


def _has_died(task: Task) -> bool:
    return is_here(task) and not alive(task.pid or 0, named_at(task))


def _minutes(length: timedelta) -> str:
    return f"{length // timedelta(minutes=1)} min"
