"""Old tasks leave with all that hangs on them, in short transactions."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Iterator
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet
from django.db.models.fields.files import FieldFile

from records.space import politely
from tasks.models import Attachment, Task

TOGETHER = 10  # tasks deleted by the same statements
MOMENT = 0.2  # seconds after which a transaction takes no more of them
logger = logging.getLogger(__name__)


def prune(before: datetime, *, batch: int = 100) -> Iterator[int]:
    """Delete finished tasks without news since `before`, with their log, files and sessions.

    Yields the number of tasks deleted after each batch, a transaction of its own.
    """
    yield from politely(iter(lambda: _delete_batch(before, batch), 0))


def old(before: datetime) -> QuerySet[Task]:
    return Task.objects.finished().filter(updated_at__lt=before)


def _delete_batch(before: datetime, batch: int) -> int:
    """Delete a batch, or as many as take a moment: a task may have very many calls."""
    began, deleted = time.monotonic(), 0
    with transaction.atomic():
        # What somebody writes to has news: it stays, and nobody waits for the other.
        rows = old(before).select_for_update(skip_locked=True).order_by("updated_at")[:batch]
        ids = list(rows.values_list("pk", flat=True))
        while deleted < len(ids):
            some = ids[deleted : deleted + TOGETHER]
            remove(Attachment.objects.filter(task__in=some))
            Task.objects.filter(pk__in=some).delete()
            deleted += len(some)
            if time.monotonic() - began > MOMENT:
                break
    return deleted


def remove(attachments: QuerySet[Attachment]) -> None:
    """Delete attachments and, once that is committed, their files.

    A file that cannot be deleted is logged: no row names it any more.
    """
    with transaction.atomic():
        files = [attachment.file for attachment in attachments.only("file")]
        attachments.delete()
        transaction.on_commit(lambda: _delete_files(files))


def _delete_files(files: Iterable[FieldFile]) -> None:
    for file in files:
        try:
            file.storage.delete(str(file))
        except OSError:
            logger.exception("The file %s of a deleted attachment stays on the disk", file)
