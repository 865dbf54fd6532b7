"""Tasks and sessions as one list, the newest activity first, paged together.

A session that works on a known task is part of that task's row, a sub-agent part of its parent's.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property

from django.db.models import OuterRef, Q, Subquery, Sum
from django.db.models.functions import Substr

from costs.models import CostRecord
from monitor.detail.wording import headline
from monitor.hints import Hint, hint
from monitor.selection import LISTS, SESSION, SESSION_STATES, TASK, Place, Selection
from sessions.models import Session
from tasks.models import Activity, Task

PAGE_SIZE = 20
MAX_LINE = 200  # characters of a text of which one line is shown


@dataclass(frozen=True)
class Figures:
    """What the sessions of a row add up to, sub-agents included. Money is in nano-dollars."""

    calls: int = 0
    failures: int = 0
    cost_nano: int = 0


@dataclass(frozen=True)
class WorkRow:
    """A task, or a session that stands alone."""

    kind: str
    name: str  # its id or key
    status: str
    title: str
    note: str  # the latest line of a task's log
    agent: str
    model: str
    user_id: str
    at: datetime
    duration: timedelta | None
    figures: Figures = Figures()


@dataclass(frozen=True)
class Tab:
    show: str
    count: int
    query: str
    is_current: bool


@dataclass(frozen=True)
class Work:
    """One page of the list, and the size of each list."""

    selection: Selection

    @cached_property
    def counts(self) -> dict[str, int]:
        return self.selection.counts()

    def count(self, show: str) -> int:
        return sum(self.counts.get(state, 0) for state in LISTS[show])

    @property
    def total(self) -> int:
        return self.count("all")

    @property
    def sessions(self) -> int:
        return sum(self.counts.get(state, 0) for state in SESSION_STATES)

    @property
    def tasks(self) -> int:
        return self.total - self.sessions

    @property
    def tabs(self) -> list[Tab]:
        chosen, query = self.selection.show, self.selection.query
        return [Tab(show, self.count(show), query(show=show), show == chosen) for show in LISTS]

    @property
    def pages(self) -> int:
        return max(1, -(-self.count(self.selection.show) // PAGE_SIZE))

    @property
    def number(self) -> int:
        """The page shown: the last one, where a later one was asked for."""
        return min(self.selection.page, self.pages)

    @property
    def previous(self) -> str:
        """The query string of the page before; blank where there is none."""
        return self._page(self.number - 1)

    @property
    def next(self) -> str:
        """The query string of the page after; blank where there is none."""
        return self._page(self.number + 1)

    def _page(self, number: int) -> str:
        page = str(number) if number > 1 else ""
        return self.selection.query(page=page) if 0 < number <= self.pages else ""

    @property
    def hint(self) -> Hint:
        return hint(self.selection, self.total)

    @cached_property
    def rows(self) -> list[WorkRow]:
        first = (self.number - 1) * PAGE_SIZE
        places = self.selection.places(first, first + PAGE_SIZE)
        tasks = _task_rows([name for kind, name in places if kind == TASK])
        keys = [name for kind, name in places if kind == SESSION]
        found = tasks | _session_rows(keys, self.selection.minute)
        sums = figures(found)
        return [replace(found[place], figures=sums[place]) for place in places if place in found]


def _task_rows(ids: Sequence[str]) -> dict[Place, WorkRow]:
    log = Activity.objects.filter(task=OuterRef("pk")).exclude(message="").order_by("-time", "-id")
    tasks = (
        Task.objects.filter(pk__in=ids)
        .defer("description", "context", "result", "error")
        .annotate(
            head=Substr("description", 1, MAX_LINE),
            note=Subquery(log.values(line=Substr("message", 1, MAX_LINE))[:1]),
        )
    )
    return {
        (TASK, task.pk): WorkRow(
            kind=TASK,
            name=task.pk,
            status=task.status,
            title=headline(task.head) or f"Task {task.pk}",  # type: ignore[attr-defined]
            note=headline(task.note or ""),  # type: ignore[attr-defined]
            agent=task.last_agent_type or task.agent_type,
            model=task.model,
            user_id=task.user_id,
            at=task.updated_at,
            duration=task.duration,
        )
        for task in tasks
    }


def _session_rows(keys: Sequence[str], now: datetime) -> dict[Place, WorkRow]:
    return {
        (SESSION, session.key): WorkRow(
            kind=SESSION,
            name=session.key,
            status=session.status(now),
            title=headline(session.title) or f"Session {session.key[:8]}",
            note="",
            agent=session.agent,
            model=session.model,
            user_id=session.user_id,
            at=session.last_activity_at,
            duration=session.duration,
        )
        for session in Session.objects.filter(key__in=keys)
    }


def figures(places: Iterable[Place]) -> dict[Place, Figures]:
    """What the sessions of each row add up to."""
    families = _families(places)
    costs = _costs({member.key for family in families.values() for member in family})
    return {
        place: Figures(
            calls=sum(member.calls for member in family),
            failures=sum(member.failures for member in family),
            cost_nano=sum(costs.get(member.key, 0) for member in family),
        )
        for place, family in families.items()
    }


def _families(places: Iterable[Place]) -> dict[Place, set[Session]]:
    """The sessions of each row and, level by level, their sub-agents; each is in a row once."""
    families: dict[Place, set[Session]] = {place: set() for place in places}
    names = [name for _, name in families]
    level = [
        (place, session)
        for session in Session.objects.filter(Q(task__in=names) | Q(key__in=names))
        for place in ((TASK, session.task_id or ""), (SESSION, session.key))
        if place in families
    ]
    while level:
        rows_of = defaultdict(set)
        for place, session in level:
            families[place].add(session)
            rows_of[session.pk].add(place)
        level = [
            (place, child)
            for child in Session.objects.filter(parent__in=rows_of)
            for place in rows_of[child.parent_id or 0]
            if child not in families[place]
        ]
    return families


def _costs(keys: Iterable[str]) -> dict[str, int]:
    """Nano-dollars by session, as far back as cost records are kept."""
    records = CostRecord.objects.filter(session_key__in=keys).exclude(session_key="")
    return dict(records.values_list("session_key").annotate(nano=Sum("cost_nano")))
