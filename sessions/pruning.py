"""What is old leaves in short transactions: bodies, calls and sessions, each by an age of its own.

What was counted stays. Of a session that stays, the marks `calls_kept_from` and `bodies_kept_from`
say what is gone, so that sessions.recording does not take it again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import DateTimeField, Exists, OuterRef, Q, QuerySet, Value
from django.db.models.functions import Coalesce
from django.utils import timezone

from records.space import politely
from sessions.models import Session, SessionActivity, ToolCall
from sessions.models.session import SessionQuerySet
from sessions.models.tool_call import BARE
from sessions.planning import PLANNING_TOOLS
from tasks.instants import EPOCH
from tasks.models import Task

FAMILIES = 100  # looked at together, and at last deleted together
FEW = 20  # sessions of which bodies are deleted together
CALL = ("pk", "started_at", "session")


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
        calls = list(session.tool_calls.values_list("pk", flat=True)[:batch])
        ToolCall.objects.filter(pk__in=calls).delete()
        lines = _forget_lines(session.activity.all(), batch - len(calls))
        rows = Session.objects.filter(pk=session_id)
        _keep_from(rows, "calls_kept_from", before)
        _keep_from(rows, "bodies_kept_from", before)
    return bool(calls or lines)


def _delete(roots: Sequence[int], before: datetime) -> int:
    """Delete the families that still may leave, now that nobody else can write to them."""
    with transaction.atomic():
        rows = Session.objects.filter(pk__in=_leaving(roots, before)).order_by("key")
        list(rows.select_for_update().only("pk"))
        leaving = _leaving(roots, before)
        Session.objects.filter(pk__in=leaving).delete()
    return len(leaving)


def prune_calls(before: datetime, *, batch: int = 1_000) -> Iterator[int]:
    """Delete the calls of closed sessions that began, and ended, before `before`.

    Yields how many went with each transaction. A call without an end goes once its session is as
    old. All sums and counts stay, and a pruned call that is told again is passed over.
    """
    return politely(_call_batches(before, batch))


def _call_batches(before: datetime, batch: int) -> Iterator[int]:
    since = EPOCH
    while rows := list(_oldest(old_calls(before), since).values_list(*CALL)[:batch]):
        yield _delete_calls([pk for pk, *_ in rows], {session for *_, session in rows}, before)
        since = rows[-1][1]


def old_calls(before: datetime) -> QuerySet[ToolCall]:
    """What `prune_calls` would delete."""
    end = Coalesce(OuterRef("finished_at"), "last_activity_at", output_field=DateTimeField())
    closed = Session.objects.closed(timezone.now()).alias(end=end)
    over = Exists(closed.filter(pk=OuterRef("session"), end__lt=before))
    calls = ToolCall.objects.filter(over, started_at__lt=before)
    return calls.exclude(reported_start_at__gte=before)


def _delete_calls(calls: Sequence[int], sessions: Set[int], before: datetime) -> int:
    """Delete those of the calls that still may go, now that nobody else can write to them."""
    with transaction.atomic():
        _lock(sessions)
        found = dict(old_calls(before).filter(pk__in=calls).values_list("pk", "session"))
        ToolCall.objects.filter(pk__in=found).delete()
        rows = Session.objects.filter(pk__in=set(found.values()))
        _keep_from(rows, "calls_kept_from", before)
    return len(found)


def prune_bodies(before: datetime, *, batch: int = 1_000) -> Iterator[int]:
    """Delete what is wide of closed sessions: parameters and error texts of calls begun before
    `before`, and older lines of logs.

    Yields of how many calls and lines with each transaction. The calls stay, with all that is
    counted of them; those that a plan is read from stay whole.
    """
    return politely(_body_batches(before, batch))


def _body_batches(before: datetime, batch: int) -> Iterator[int]:
    since = EPOCH
    while rows := list(_oldest(_with_bodies(before), since).values_list("pk", "started_at")[:FEW]):
        yield _strip({pk for pk, _ in rows}, before, batch)
        since = rows[0][1]


def count_bodies(before: datetime) -> int:
    """How many calls and lines `prune_bodies` would strip and delete."""
    sessions = _with_bodies(before)
    calls = _bodies(before).filter(session__in=sessions)
    lines = SessionActivity.objects.filter(session__in=sessions, time__lt=before)
    return calls.count() + lines.count()


def _with_bodies(before: datetime) -> SessionQuerySet:
    return Session.objects.closed(timezone.now()).with_bodies(before)


def _bodies(before: datetime) -> QuerySet[ToolCall]:
    """Calls begun before; not looked at again are those stripped by an earlier prune."""
    kept_from = Coalesce("session__bodies_kept_from", Value(EPOCH))
    old = ToolCall.objects.filter(started_at__gte=kept_from, started_at__lt=before)
    return old.exclude(tool_name__in=PLANNING_TOOLS).with_body()


def _strip(sessions: Set[int], before: datetime, room: int) -> int:
    """Strip `room` calls and lines of some sessions, those of one after the other."""
    left = room
    with transaction.atomic():
        _lock(sessions)
        for session in _with_bodies(before).filter(pk__in=sessions).order_by("started_at"):
            left -= _forget_lines(session.activity.filter(time__lt=before), left)
            left -= _strip_calls(session, before, left)
            if not left:
                break
    return room - left


def _strip_calls(session: Session, before: datetime, room: int) -> int:
    """The oldest first: where `room` ends, the next transaction goes on."""
    rows = _bodies(before).filter(session=session).order_by("started_at")
    calls = list(rows.values_list("pk", "started_at")[:room])
    stripped = ToolCall.objects.filter(pk__in=[pk for pk, _ in calls])
    stripped.update(parameters=BARE, error="")
    if room:
        done = calls[-1][1] if len(calls) == room else before
        _keep_from(Session.objects.filter(pk=session.pk), "bodies_kept_from", done)
    return len(calls)


def _forget_lines(lines: QuerySet[SessionActivity], room: int) -> int:
    told = list(lines.values_list("pk", flat=True)[:room])
    SessionActivity.objects.filter(pk__in=told).delete()
    return len(told)


def _keep_from(sessions: QuerySet[Session], name: str, at: datetime) -> None:
    """Mark from when on something is kept; a mark never moves back."""
    sessions.filter(Q(**{name: None}) | Q(**{f"{name}__lt": at})).update(**{name: at})


def _oldest(rows: Any, since: datetime) -> Any:
    return rows.filter(started_at__gte=since).order_by("started_at")


def _lock(sessions: Set[int]) -> None:
    """As recording does, and a prune of tasks: first the tasks, then their sessions, in order."""
    rows = Session.objects.filter(pk__in=sessions)
    tasks = Task.objects.filter(id__in=rows.values("task_id"))
    list(tasks.select_for_update().order_by("id").only("pk"))
    list(rows.select_for_update().order_by("key").only("pk"))
