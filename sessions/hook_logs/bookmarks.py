"""What earlier imports of a session left in the database: where they stopped, what waits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django.db.models import QuerySet

from sessions.hook_logs.folders import Refused
from sessions.hook_logs.log import Log
from sessions.hook_logs.pairing import NEVER, Half, alike
from sessions.models import HookLog, Session, ToolCall

PRE_ID, POST_ID = "pre:", "post:"
FIELDS = ("tool_use_id", "tool_name", "parameters", "reported_start_at", "finished_at")


class Bookmarks:
    """Of the session with `key`, which may not be known yet."""

    def __init__(self, key: str) -> None:
        self.key = key
        self.session = Session.objects.filter(key=key).first()
        rows = HookLog.objects.filter(session=self.session) if self.session else ()
        self.logs = {row.name: row for row in rows}
        self.offsets = {name: row.offset for name, row in self.logs.items()}

    def starts(self, log: Log | None) -> Iterator[Half]:
        """The starts that wait for their end, of the log of starts."""
        calls = self._calls(PRE_ID).filter(success__isnull=True)
        for call in calls.values(*FIELDS).iterator():
            yield _half(call, PRE_ID, "reported_start_at", log)

    def ends(self, log: Log | None) -> Iterator[Half]:
        """The ends to which no start was found, of the log of ends."""
        calls = self._calls(POST_ID).filter(reported_start_at__isnull=True)
        for call in calls.values(*FIELDS).iterator():
            yield _half(call, POST_ID, "finished_at", log)

    def finished(self, blocked: str) -> int:
        """How many calls have ended by a line of their own; those with that error did not."""
        mine = self._calls(PRE_ID) | self._calls(POST_ID)
        return mine.filter(success__isnull=False).exclude(error=blocked).count()

    @property
    def has_pruned(self) -> bool:
        """Whether some calls are gone, so that nobody can count them."""
        return self.session is not None and self.session.calls_kept_from is not None

    def move(self, logs: Mapping[str, Log]) -> None:
        """Note how far the logs are read, in the transaction that records what was read.

        Raises Refused where another import moved the marks since. Of a session that is not known,
        for nothing was told of it, nothing is noted.
        """
        self.session = self.session or Session.objects.filter(key=self.key).first()
        if self.session is None:
            return
        marks = HookLog.objects.filter(session=self.session)
        if dict(marks.values_list("name", "offset")) != self.offsets:
            raise Refused("another import is at work on it; run this one again when that has ended")
        moved = [_mark(self.session, log) for log in logs.values()]
        HookLog.objects.bulk_create(
            moved,
            update_conflicts=True,
            unique_fields=["session", "name"],
            update_fields=["offset", "lines", "head"],
        )
        self.offsets |= {mark.name: mark.offset for mark in moved}

    def _calls(self, prefix: str) -> QuerySet[ToolCall]:
        return ToolCall.objects.filter(session=self.session, tool_use_id__startswith=prefix)


def _half(call: Mapping[str, Any], prefix: str, time: str, log: Log | None) -> Half:
    number = int(call["tool_use_id"].removeprefix(prefix))
    dated = log is None or number >= log.first_dated[0]
    return Half(
        call[time] if dated else NEVER,
        number,
        call["tool_name"],
        call[time],
        alike(call["parameters"], cleaned=True),
        kept=True,
    )


def _mark(session: Session, log: Log) -> HookLog:
    place = log.place
    return HookLog(
        session=session, name=log.name, offset=place.offset, lines=place.lines, head=log.head()
    )
