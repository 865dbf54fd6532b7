"""Old sessions of no known task leave: what they did in short transactions, then themselves."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from records.space import politely
from sessions.models import Session, SessionActivity, ToolCall
from tasks.models import Task

FAMILIES = 100  # looked at together, and at last deleted together


def prune(before: datetime, *, batch: int = 1_000) -> Iterator[int]:
    """Delete old sessions: of no known task, closed, and without news since `before`.

    A session and its sub-agents are a family, which leaves as a whole or not at all. Yields the
    number of sessions deleted with each transaction, 0 for one that deleted `batch` of their
    calls or lines of their logs. What the calls add up to by tool and day stays.
    """
    return politely(_batches(before, batch))


def _batches(before: datetime, batch: int) -> Iterator[int]:
    for roots in _roots(before):
        for session_id in _leaving(roots, before):
            while _shed(session_id, before, batch):
                yield 0
        yield _delete(roots, before)


def count(before: datetime) -> int:
    """How many sessions `prune` would delete."""
    return sum(len(_leaving(roots, before)) for roots in _roots(before))


def _old(before: datetime) -> QuerySet[Session]:
    known_task = Task.objects.filter(id=OuterRef("task_id"))
    closed = Session.objects.closed(timezone.now())
    return closed.filter(~Exists(known_task), last_activity_at__lt=before)


def _roots(before: datetime) -> Iterator[list[int]]:
    """The ids of old sessions that belong to no other, some at a time."""
    old, last = _old(before).filter(parent=None).order_by("pk"), 0
    while roots := list(old.filter(pk__gt=last).values_list("pk", flat=True)[:FAMILIES]):
        yield roots
        last = roots[-1]


def _leaving(roots: Sequence[int], before: datetime) -> list[int]:
    """The ids of the families of these roots all of whose members are old."""
    judged = Session.objects.annotate(old=Exists(_old(before).filter(pk=OuterRef("pk"))))
    root_of: dict[int, int] = {}
    staying = set()
    level = judged.filter(pk__in=roots)
    while members := list(level.values_list("pk", "parent_id", "old")):
        for pk, parent, old in members:
            root_of[pk] = root_of.get(parent, pk)
            if not old:
                staying.add(root_of[pk])
        level = judged.filter(parent__in=[pk for pk, *_ in members])
    return [pk for pk, root in root_of.items() if root not in staying]


def _shed(session_id: int, before: datetime, batch: int) -> bool:
    """Delete some calls of a session that is still old, or of its log; False if none is left."""
    with transaction.atomic():
        session = _old(before).select_for_update().filter(pk=session_id).first()
        if session is None:
            return False
        shed = dict(session.tool_calls.values_list("pk", "success")[:batch])
        ToolCall.objects.filter(pk__in=shed).delete()
        told = list(session.activity.values_list("pk", flat=True)[: batch - len(shed)])
        SessionActivity.objects.filter(pk__in=told).delete()
        failures = session.failures - list(shed.values()).count(False)
        # Even where the counts were wrong, the row must stay one that the database takes.
        session.calls = max(session.calls - len(shed), 0)
        session.failures = min(max(failures, 0), session.calls)
        session.save(update_fields=["calls", "failures"])
    return bool(shed or told)


def _delete(roots: Sequence[int], before: datetime) -> int:
    """Delete the families that still may leave, now that nobody else can write to them."""
    with transaction.atomic():
        rows = Session.objects.filter(pk__in=_leaving(roots, before)).order_by("key")
        list(rows.select_for_update().only("pk"))
        leaving = _leaving(roots, before)
        Session.objects.filter(pk__in=leaving).delete()
    return len(leaving)
