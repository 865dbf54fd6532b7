"""The logs of one session, read side by side and recorded in batches."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from copy import deepcopy
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from sessions.events import SessionEvent, ToolEnded, ToolStarted
from sessions.hook_logs.bookmarks import POST_ID, PRE_ID, Bookmarks
from sessions.hook_logs.folders import POST, PRE, Folder, open_file, summarised
from sessions.hook_logs.log import Dated, Log
from sessions.hook_logs.pairing import NEVER, SKEW, Half, Pairing, alike
from sessions.hook_logs.report import Counts, FolderLine, Report
from sessions.recording import record
from tasks.instants import EPOCH

SOURCE = "hook-log"
BLOCKED = "Blocked by a hook"
BATCH = 1_000  # events
BATCH_BYTES = 4_000_000
AHEAD = 50  # starts read at once, before the ends they may belong to
AHEAD_BYTES = 1_000_000
# A time that is made up makes no duration: the end is then put just before the start.
INSTANT = timedelta(microseconds=1)

PRUNED = "calls from before what was pruned: passed over"
HOOK_FAILED = "lines in which a hook tells of its own failure: no calls"


class FolderImport:
    """One import of one session's folder; `done` is what was committed of it."""

    def __init__(self, folder: Folder, report: Report, *, dry_run: bool) -> None:
        self.folder, self.report, self.dry_run = folder, report, dry_run
        self.line = FolderLine(folder.key)
        self.done = deepcopy(self.line)
        self.bookmarks = Bookmarks(folder.key)
        self.has_task = bool(self.bookmarks.session and self.bookmarks.session.task_id)
        self.pairing = Pairing()
        self.events: list[SessionEvent] = []
        self.size = 0
        self.earliest = NEVER  # of the starts read last

    def run(self) -> None:
        """Read and record what is new. Raises Refused, Invalid or OSError, after whole batches."""
        with ExitStack() as files:
            # A call's start is written before its end, so the log of starts must be the newer one.
            self.logs = {name: self._open(name, files) for name in (POST, PRE) if self._has(name)}
            if any(log.has_news for log in self.logs.values()):
                earlier = self.bookmarks.finished(BLOCKED)
                self._resume()
                self._read()
                self._commit()
                self._compare(earlier)

    def _has(self, name: str) -> bool:
        return name in self.folder.logs

    def _open(self, name: str, files: ExitStack) -> Log:
        file = files.enter_context(open_file(self.folder.path / name))
        return Log(name, file, self.bookmarks.logs.get(name))

    def _resume(self) -> None:
        """Let what earlier imports left half done wait for the other half."""
        pre, post = self.logs.get(PRE), self.logs.get(POST)
        if post and post.has_news:
            for start in self.bookmarks.starts(pre):
                self.pairing.wait(start)
        if pre and pre.has_news:
            for end in self.bookmarks.ends(post):
                self.pairing.stand_alone(end)

    def _read(self) -> None:
        post = self.logs.get(POST)
        # Mostly the ends tell none, and then those of the starts need not be compared.
        self.by_parameters = bool(post and post.mentions(b'"parameters"'))
        self.starts = self._entries(PRE)
        for end in self._entries(POST):
            while self._needs_starts(end) and self._read_starts():
                self._commit_when_full()
            self._end(end)
            self._commit_when_full()
        while self._read_starts():
            self._commit_when_full()

    def _entries(self, name: str) -> Iterator[Dated]:
        """The calls in a log; what a hook tells of itself is news of the session alone."""
        if (log := self.logs.get(name)) is None:
            return
        for dated in log.entries(self.line, self.report):
            if not dated.entry.is_hook_failure:
                yield dated
                continue
            self.report.notes[HOOK_FAILED] += 1
            where = f"{self.folder.key}/{name} line {dated.number}"
            self.report.list_place(f"{where}: the hook tells of its own failure")
            self._tell(name, dated, SessionEvent(**self._facts(dated)))

    def _needs_starts(self, end: Dated) -> bool:
        """Whether a start that is not read yet may be that of `end`."""
        if end.order == NEVER:
            return not self.pairing.awaits(end.entry.tool)
        return self.earliest <= end.order + SKEW

    def _read_starts(self) -> bool:
        """Read some starts ahead; answers whether there were any."""
        times, size = [], 0
        for start in self.starts:
            self._start(start)
            times.append(start.order)
            size += start.entry.size
            if len(times) == AHEAD or size > AHEAD_BYTES:
                break
        self.earliest = min(times, default=NEVER)
        return bool(times)

    def _start(self, dated: Dated) -> None:
        entry, counts = dated.entry, self.line.tool(dated.entry.tool)
        counts.pre += 1
        if entry.is_blocked:  # it never ran: no end will come, and there is no duration
            counts.added, counts.blocked = counts.added + 1, counts.blocked + 1
            id, error = f"{PRE_ID}{dated.number}", entry.error or BLOCKED
            self._tell(PRE, dated, self._ended(dated, id, dated.at, error))
            return
        end = self.pairing.begin(self._half(dated))
        _count(counts, end)
        at = dated.at if entry.at or not end else max(dated.at, end.recorded + INSTANT)
        id = f"{POST_ID}{end.line}" if end else f"{PRE_ID}{dated.number}"
        self._tell(PRE, dated, ToolStarted(**self._call(dated, id, at)))

    def _end(self, dated: Dated) -> None:
        entry, counts = dated.entry, self.line.tool(dated.entry.tool)
        counts.post += 1
        start = self.pairing.finish(self._half(dated))
        _count(counts, start)
        at = dated.at if entry.at or not start else min(dated.at, start.recorded - INSTANT)
        id = f"{PRE_ID}{start.line}" if start else f"{POST_ID}{dated.number}"
        self._tell(POST, dated, self._ended(dated, id, max(at, EPOCH), entry.error))

    def _half(self, dated: Dated) -> Half:
        entry = dated.entry
        told = alike(entry.parameters) if self.by_parameters else ""
        return Half(dated.order, dated.number, entry.tool, dated.at, told)

    def _ended(self, dated: Dated, id: str, at: datetime, error: str) -> ToolEnded:
        told = {"success": not error, "error": error, "duration_ms": dated.entry.duration_ms}
        return ToolEnded(**self._call(dated, id, at) | told)

    def _call(self, dated: Dated, id: str, at: datetime) -> dict[str, Any]:
        entry = dated.entry
        call = {"tool_use_id": id, "tool_name": entry.tool, "parameters": entry.parameters}
        return self._facts(dated) | call | {"at": at}

    def _facts(self, dated: Dated) -> dict[str, Any]:
        """What a line tells of its session; of several tasks the first one counts."""
        entry = dated.entry
        task_id = "" if self.has_task else entry.task_id
        self.has_task = self.has_task or bool(task_id)
        told = {"agent": entry.agent, "task_id": task_id, "source": SOURCE}
        return {"session_key": self.folder.key, "at": dated.at} | told

    def _tell(self, name: str, dated: Dated, event: SessionEvent) -> None:
        """Add an event to the batch; its line is dealt with."""
        self.events.append(event)
        self.size += dated.entry.size
        self.logs[name].place = dated.place

    def _commit_when_full(self) -> None:
        if len(self.events) >= BATCH or self.size >= BATCH_BYTES:
            self._commit()

    def _commit(self) -> None:
        """Record what was read since the last time, with how far that is."""
        with transaction.atomic():
            pruned = record(self.events).calls_pruned
            if self.dry_run:
                transaction.set_rollback(True)
            else:
                self.bookmarks.move(self.logs)
        self.report.notes.update({PRUNED: pruned} if pruned else {})
        self.events, self.size = [], 0
        self.done = deepcopy(self.line)

    def _compare(self, earlier: int) -> None:
        """Hint at a summary that counts other calls than the log."""
        counted, stated = earlier + self.line.counts.post, summarised(self.folder)
        if stated not in (None, counted) and not self.bookmarks.has_pruned:
            self.report.hints.append(
                f"{self.folder.key}: summary.json says {stated}, {POST} has {counted}"
            )


def _count(counts: Counts, other: Half | None) -> None:
    """Count a line: as a call, or as the other half of one that an earlier import knew."""
    if other is None:
        counts.added += 1
    elif other.kept:
        counts.completed += 1
