"""Which files the calls of a range touched most, at a cost that does not grow with the calls."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, F, Max, Q

from sessions.file_uses import EDITS, WRITES
from sessions.models import Session, ToolCall
from sessions.models.tool_call import ToolCallQuerySet

CALLS = 5_000  # the newest so many that name a file are counted
FILES = 20
SESSIONS = 3  # of a file, the last ones to touch it


@dataclass(frozen=True, slots=True)
class TouchedFile:
    """How often calls used a file, and in how many sessions; `newest` are the last of these."""

    path: str
    uses: int
    reads: int
    writes: int
    edits: int
    sessions: int
    last: datetime
    newest: Sequence[Session]


@dataclass(frozen=True, slots=True)
class TouchedFiles:
    """The files most touched; `since` is where counting began, if that is within the range."""

    files: Sequence[TouchedFile]
    since: datetime | None
    most: int = CALLS


def most_touched(start: datetime, end: datetime) -> TouchedFiles:
    """Of the calls in [start, end) that name a file, the newest CALLS are counted."""
    times = _naming(start, end).order_by("-started_at").values_list("started_at", flat=True)
    since = next(iter(times[CALLS - 1 : CALLS]), None)
    return TouchedFiles(_files(_naming(since or start, end)), since)


def _naming(start: datetime, end: datetime) -> ToolCallQuerySet:
    """The calls that name a file, in the words of their index."""
    return ToolCall.objects.between(start, end).exclude(file_path="")


def _files(calls: ToolCallQuerySet) -> list[TouchedFile]:
    writes, edits = Q(tool_name__in=WRITES), Q(tool_name__in=EDITS)
    rows = list(
        calls.values(path=F("file_path"))
        .annotate(
            uses=Count("pk"),
            reads=Count("pk", filter=~(writes | edits)),
            writes=Count("pk", filter=writes),
            edits=Count("pk", filter=edits),
            sessions=Count("session", distinct=True),
            last=Max("started_at"),
        )
        .order_by("-uses", "-last", "path")[:FILES]
    )
    newest = _newest_sessions(calls, [row["path"] for row in rows])
    return [TouchedFile(**row, newest=newest[row["path"]]) for row in rows]


def _newest_sessions(calls: ToolCallQuerySet, paths: Sequence[str]) -> dict[str, list[Session]]:
    """Of each path the sessions that touched it last."""
    touched = calls.filter(file_path__in=paths).values_list("file_path", "session_id")
    ids: dict[str, list[int]] = defaultdict(list)
    for path, session in (
        touched.annotate(last=Max("started_at"))
        .order_by("-last")
        .values_list("file_path", "session_id")
    ):
        if len(ids[path]) < SESSIONS:
            ids[path].append(session)
    rows = Session.objects.only("key", "title").in_bulk({pk for few in ids.values() for pk in few})
    return defaultdict(list, {path: [rows[pk] for pk in few] for path, few in ids.items()})
