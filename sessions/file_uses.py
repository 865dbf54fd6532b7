"""How often sessions used files: added to as calls come, counted anew where a call moved."""

from __future__ import annotations

from collections.abc import Iterable, Set
from typing import Any

from django.db import connection
from django.db.models import Count, F, Max, Min, Q

from sessions.models import FileAccess, Session, ToolCall

# How the tools that change files do it; others that name a file are taken to read it.
WRITES = ("Write",)
EDITS = ("Edit", "MultiEdit", "NotebookEdit")
TABLE = FileAccess._meta.db_table
ADD = f"""
    INSERT INTO {TABLE} (session_id, path, reads, writes, edits, first_at, last_at)
    VALUES (%s, %s, %s, %s, %s, %s, %s)
    ON CONFLICT (session_id, path) DO UPDATE SET
        reads = {TABLE}.reads + EXCLUDED.reads,
        writes = {TABLE}.writes + EXCLUDED.writes,
        edits = {TABLE}.edits + EXCLUDED.edits,
        first_at = CASE WHEN EXCLUDED.first_at < {TABLE}.first_at
            THEN EXCLUDED.first_at ELSE {TABLE}.first_at END,
        last_at = CASE WHEN EXCLUDED.last_at > {TABLE}.last_at
            THEN EXCLUDED.last_at ELSE {TABLE}.last_at END
"""

File = tuple[int, str]
"""The id of a session and a path."""


class FileUses:
    """What a batch of calls did to files, gathered and then booked.

    The sessions' rows are locked by the caller, and the calls are stored when it is booked.
    """

    def __init__(self) -> None:
        self.new: dict[File, list[ToolCall]] = {}
        self.moves: list[tuple[ToolCall, ToolCall]] = []

    def added(self, call: ToolCall) -> None:
        if call.file_path:
            self.new.setdefault((call.session_id, call.file_path), []).append(call)

    def changed(self, old: ToolCall, call: ToolCall) -> None:
        """A call whose file, tool or start is another now leaves no sum to add to."""
        before = (old.file_path, old.tool_name, old.started_at)
        if before != (call.file_path, call.tool_name, call.started_at):
            self.moves.append((old, call))

    def book(self) -> None:
        pruned = _pruned({call.session_id for _, call in self.moves})
        moved = {
            (call.session_id, call.file_path)
            for move in self.moves
            for call in move
            if call.file_path and call.session_id not in pruned
        }
        _add((*file, *_sums(calls)) for file, calls in self.new.items() if file not in moved)
        for old, call in self.moves:
            if call.session_id in pruned:
                _move(old, call)
        if moved:
            recount(moved)


def _pruned(sessions: Set[int]) -> set[int]:
    """Those of which some calls are gone, so that nobody can count them anew."""
    if not sessions:
        return set()
    rows = Session.objects.filter(pk__in=sessions, calls_kept_from__isnull=False)
    return set(rows.values_list("pk", flat=True))


def _add(rows: Iterable[tuple[Any, ...]]) -> None:
    """In the order of their keys, lest two batches cross."""
    if ordered := sorted(rows, key=lambda row: row[:2]):
        with connection.cursor() as cursor:
            cursor.executemany(ADD, ordered)


def _move(old: ToolCall, call: ToolCall) -> None:
    """Take a use off where a call was, and put it where it is now; the times only grow apart."""
    file = old.session_id, old.file_path
    if old.file_path:
        reads, writes, edits, first, last = _sums([old])
        _add([(*file, -reads, -writes, -edits, first, last)])
    if call.file_path:
        _add([(call.session_id, call.file_path, *_sums([call]))])
    unused = FileAccess.objects.filter(reads=0, writes=0, edits=0)
    unused.filter(session_id=file[0], path=file[1]).delete()


def _sums(calls: Iterable[ToolCall]) -> tuple[Any, ...]:
    tools, times = zip(*((call.tool_name, call.started_at) for call in calls), strict=True)
    writes, edits = (sum(tool in kind for tool in tools) for kind in (WRITES, EDITS))
    first, last = map(connection.ops.adapt_datetimefield_value, (min(times), max(times)))
    return len(tools) - writes - edits, writes, edits, first, last


def recount(files: Iterable[File]) -> None:
    """Count from the calls themselves how often sessions used files."""
    touched = dict.fromkeys(sorted(files))
    sessions, paths = {session for session, _ in touched}, {path for _, path in touched}
    writes, edits = Q(tool_name__in=WRITES), Q(tool_name__in=EDITS)
    counted = (
        ToolCall.objects.filter(session_id__in=sessions, file_path__in=paths)
        .exclude(file_path="")  # as the index is
        .values("session_id", path=F("file_path"))
        .annotate(
            reads=Count("id", filter=~(writes | edits)),
            writes=Count("id", filter=writes),
            edits=Count("id", filter=edits),
            first_at=Min("started_at"),
            last_at=Max("started_at"),
        )
    )
    for session, path in touched:
        FileAccess.objects.filter(session_id=session, path=path).delete()
    rows = (FileAccess(**row) for row in counted if (row["session_id"], row["path"]) in touched)
    FileAccess.objects.bulk_create(rows)
