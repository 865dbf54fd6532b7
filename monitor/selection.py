"""Which tasks and sessions a list shows, as its address says."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self
from urllib.parse import urlencode

from django.db.models import Count, F, QuerySet, Value

from monitor.periods import DEFAULT_RANGE, Period
from sessions.models import Session
from sessions.models.session import SessionQuerySet
from tasks.models import ACTIVE, Status, Task
from tasks.models.task import TaskQuerySet

MAX_TEXT = 200
DEFAULT_SHOW = "active"
TASK, SESSION = "task", "session"

Place = tuple[str, str]
"""What a row is of: its kind, TASK or SESSION, and its id or key."""

OPEN, CLOSED = "open", "closed"
SESSION_STATES = (OPEN, CLOSED)
LISTS: dict[str, tuple[str, ...]] = {
    "active": (Status.PENDING, Status.RUNNING, OPEN),
    "completed": (Status.COMPLETED, CLOSED),
    "failed": (Status.FAILED, Status.STOPPED),
}
"""The states of tasks and sessions that each list holds."""
LISTS["all"] = tuple(state for states in LISTS.values() for state in states)


@dataclass(frozen=True)
class Selection:
    """What of the list is asked for.

    active: tasks that are pending or running, whatever their age, and sessions active or idle now.
    completed: tasks completed and sessions closed, with their last news in the range.
    failed: tasks failed or stopped, with their last news in the range.
    all: the three together. No row is in two of them.
    """

    period: Period
    minute: datetime  # sessions are active or idle as of its beginning
    show: str = DEFAULT_SHOW
    text: str = ""
    page: int = 1

    @classmethod
    def parse(cls, given: Mapping[str, str], now: datetime) -> Self:
        """From the parameters `range`, `show`, `q` and `page` of an address.

        Raises ValueError, with words for the reader, for a value that means nothing.
        """
        period = Period.parse(given.get("range", DEFAULT_RANGE), now)
        show, page = given.get("show", DEFAULT_SHOW), given.get("page", "1")
        text = given.get("q", "").strip()
        if show not in LISTS:
            raise ValueError(f"There is no list “{show[:20]}”; choose {', '.join(LISTS)}.")
        if len(text) > MAX_TEXT or "\0" in text:
            raise ValueError(f"Search for a text of up to {MAX_TEXT} characters.")
        if not re.fullmatch("[1-9][0-9]{0,8}", page):
            raise ValueError(f"There is no page “{page[:20]}”; the first one is 1.")
        return cls(period, now.replace(second=0, microsecond=0), show, text, int(page))

    def query(self, **changes: str) -> str:
        """The query string of this selection with `changes`: of its first page, unless told."""
        here = {"range": self.period.label, "show": self.show, "q": self.text, "page": ""}
        return "?" + urlencode({name: value for name, value in (here | changes).items() if value})

    @property
    def window(self) -> tuple[datetime, datetime]:
        return self.period.start, self.period.end

    def counts(self) -> dict[str, int]:
        """How many rows are in each state, in one query; a state without any is missing."""
        states = LISTS["all"]
        parts = [self.rows(state).values(state=Value(state)) for state in states]
        first, *others = (part.annotate(count=Count("*")) for part in parts)
        return {row["state"]: row["count"] for row in first.union(*others, all=True)}

    def places(self, start: int, end: int) -> list[Place]:
        """The rows of the list from `start` to before `end`, the newest activity first.

        Each state has an index in that order, so the database has but to merge them.
        """
        first, *others = (self.keys(state) for state in LISTS[self.show])
        merged = first.union(*others, all=True).order_by("-at", "kind", "name")
        return [(key["kind"], key["name"]) for key in merged[start:end]]

    def rows(self, state: str) -> TaskQuerySet | SessionQuerySet:
        """The tasks or sessions in one state, in no order."""
        found = self.sessions(state) if state in SESSION_STATES else self.tasks(state)
        return found.matching(self.text) if self.text else found

    def keys(self, state: str) -> QuerySet[Any, Any]:
        """The time, kind and name of the rows in one state."""
        if state in SESSION_STATES:
            columns = {"at": F("last_activity_at"), "kind": Value(SESSION), "name": F("key")}
        else:
            columns = {"at": F("updated_at"), "kind": Value(TASK), "name": F("id")}
        return self.rows(state).values(**columns)

    def tasks(self, status: str) -> TaskQuerySet:
        found = Task.objects.filter(status=status)
        return found if status in ACTIVE else found.heard_between(*self.window)

    def sessions(self, state: str) -> SessionQuerySet:
        alone = Session.objects.standing_alone()
        if state == OPEN:
            return alone.open(self.minute)
        return alone.closed(self.minute).heard_between(*self.window)
