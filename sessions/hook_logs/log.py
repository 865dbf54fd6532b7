"""One log of one session: what it grew by since it was last read, line by line, with times."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from hashlib import blake2b
from math import inf
from typing import BinaryIO

from sessions.hook_logs.entries import Entry, Unreadable, read
from sessions.hook_logs.folders import Refused
from sessions.hook_logs.lines import Line, Place, lines
from sessions.hook_logs.pairing import NEVER
from sessions.hook_logs.report import FolderLine, Report
from sessions.models import HookLog

HEAD = 64 * 1024  # bytes by which a log is known again

FROM_BEFORE = "lines without a time: dated by the line before"
FROM_BEHIND = "lines without a time: dated by the next one that has one"
FROM_FILE = "lines without a time: dated by the last change of the file"


@dataclass(frozen=True, slots=True)
class Dated:
    """An entry and the place behind its line. `at` is its time, if need be that of a line near
    by; `order` is NEVER where neither the line nor any before it tells one."""

    place: Place
    entry: Entry
    at: datetime
    order: datetime

    @property
    def number(self) -> int:
        return self.place.lines


class Log:
    """The news of an open log: all that lies behind `place`, up to its present end."""

    def __init__(self, name: str, file: BinaryIO, kept: HookLog | None) -> None:
        self.name, self.file = name, file
        self.place = Place(kept.offset, kept.lines) if kept else Place()
        state = os.fstat(file.fileno())
        self.end, self.changed = state.st_size, _instant(state.st_mtime)
        if kept and (self.end < kept.offset or self.head() != kept.head):
            raise Refused(
                f"{name} does not begin with what was read of it before: another file, or"
                " rewritten; move it away, or give its folder another name"
            )

    @property
    def has_news(self) -> bool:
        return self.end > self.place.offset

    def head(self) -> str:
        """The digest of what was read, or of the beginning of that."""
        text = os.pread(self.file.fileno(), min(self.place.offset, HEAD), 0)
        return blake2b(text, digest_size=16).hexdigest()

    def entries(self, line: FolderLine, report: Report) -> Iterator[Dated]:
        """The entries that are new, dated. Who has dealt with one moves `place` behind it.

        What is no entry is counted, and named in the report; a last line that is still being
        written is left for another time.
        """
        clock = self._clock()
        for raw in lines(self.file, self.place, self.end):
            entry = None
            try:
                entry = _read(raw)
            except Unreadable as cause:
                if not raw.ended and not raw.goes_on:
                    line.torn += 1
                    return
                line.unreadable += 1
                report.list_place(f"{line.key}/{self.name} line {raw.number}: {cause}")
            if entry:
                yield clock.date(raw.place, entry, report.notes)
            else:
                self.place = raw.place

    def mentions(self, word: bytes) -> bool:
        """Whether a line of the news holds the word."""
        return any(word in raw.text for raw in lines(self.file, self.place, self.end))

    @cached_property
    def first_dated(self) -> tuple[float, datetime]:
        """The number of the first line that tells a time, and that time; without one, infinity
        and the last change of the file."""
        return next(self._dated(Place(), self.end), (inf, self.changed))

    def _clock(self) -> Clock:
        number, at = self.first_dated
        if number <= self.place.lines:
            return Clock(self._last_time(), at, FROM_BEFORE)
        return Clock(None, at, FROM_FILE if number == inf else FROM_BEHIND)

    def _last_time(self) -> datetime | None:
        """The last time told before the news; it is not looked for where none will need it."""
        number, _ = next(self._dated(self.place, self.end), (inf, None))
        if number == self.place.lines + 1:
            return None
        last: datetime | None = None
        for _, at in self._dated(Place(), self.place.offset):
            last = at
        return last

    def _dated(self, begin: Place, end: int) -> Iterator[tuple[float, datetime]]:
        for raw in lines(self.file, begin, end):
            try:
                entry = _read(raw)
            except Unreadable:
                continue
            if entry and entry.at:
                yield raw.number, entry.at


@dataclass(slots=True)
class Clock:
    """Gives each entry a time: its own, else the `last` one told before, else `otherwise`."""

    last: datetime | None
    otherwise: datetime
    note: str

    def date(self, place: Place, entry: Entry, notes: Counter[str]) -> Dated:
        notes.update(entry.notes)
        if entry.at:
            self.last = entry.at
            return Dated(place, entry, entry.at, entry.at)
        notes[FROM_BEFORE if self.last else self.note] += 1
        return Dated(place, entry, self.last or self.otherwise, self.last or NEVER)


def _read(raw: Line) -> Entry | None:
    """The entry of a line, None of a blank one; raises Unreadable."""
    if raw.too_long:
        raise Unreadable("is longer than 10 MB")
    if raw.ended and not raw.text.strip():
        return None
    if raw.goes_on:
        raise Unreadable("goes on behind what was read of it before")
    return read(raw.text)


def _instant(seconds: float) -> datetime:
    """A time of the file system, within what a database holds, and not to come."""
    return datetime.fromtimestamp(min(max(seconds, 0), time.time()), UTC)
