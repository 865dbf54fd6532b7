"""The panels of the spend page: by model, type, user and session, each figure with its records."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from django.contrib.auth.models import AnonymousUser, User
from django.db.models import F
from django.db.models.functions import Substr
from django.urls import reverse

from costs.admin.filters import CACHED, YES
from costs.totals import Totals
from monitor.detail.wording import headline
from monitor.ranking import Row, ranked
from monitor.spend.address import Parameter, SpendAddress
from sessions.models import Session

LONGEST = 200  # characters of a description of which one line is shown
NAMELESS = {"model": "no model known", "type": "no type known", "user": "no user known"}


@dataclass(frozen=True)
class Links:
    """Where the records behind a figure are looked at by the one who looks."""

    address: SpendAddress
    is_clerk: bool  # may read the raw records in the administration

    @classmethod
    def of(cls, user: User | AnonymousUser, address: SpendAddress) -> Links:
        return cls(address, user.is_staff and user.has_perm("costs.view_costrecord"))

    def records(self, address: SpendAddress) -> str:
        """The raw records of `address`: the list of the administration, or a page with its CSV."""
        if self.is_clerk and not address.is_between:
            return address.admin_url
        return address.csv_url if address == self.address else str(address)

    @property
    def cached(self) -> str:
        """The raw records behind the page that have tokens of the cache."""
        return f"{self.records(self.address)}&{urlencode({CACHED: YES})}"


@dataclass(frozen=True)
class Line:
    """A row of a panel: what it is of, the page of that alone, and the records behind it."""

    row: Row
    label: str
    url: str = ""
    records: str = ""


def lines(sums: dict[str, Totals], parameter: Parameter, links: Links) -> list[Line]:
    return [line(row, parameter, links) for row in ranked(sums)]


def line(row: Row, parameter: Parameter, links: Links) -> Line:
    if row.is_rest:
        return Line(row, row.name)
    if not row.name and not parameter.may_be_blank:
        return Line(row, NAMELESS[parameter.name])
    address = links.address.with_only(parameter, row.name)
    label = row.name or NAMELESS[parameter.name]
    return Line(row, label, str(address), links.records(address))


@dataclass(frozen=True)
class SessionLine:
    """A session with the task it works on; both blank where only its key is known."""

    key: str
    row: Row
    title: str = ""
    task_id: str = ""
    task: str = ""

    @property
    def url(self) -> str:
        return reverse("session", args=[self.key]) if self.title else ""

    @property
    def task_url(self) -> str:
        return reverse("task", args=[self.task_id]) if self.task_id else ""


def session_lines(dearest: Sequence[tuple[str, Totals]], whole: int) -> list[SessionLine]:
    """The sessions with their titles and tasks; `whole` is the cost of which each has a share."""
    known = _known(key for key, _ in dearest)
    return [
        SessionLine(key, Row(key, totals, totals.cost_nano / (whole or 1)), *known.get(key, ()))
        for key, totals in dearest
    ]


def _known(keys: Iterable[str]) -> dict[str, tuple[str, str, str]]:
    """Title, task and description of the sessions that were reported."""
    head = Substr("task__description", 1, LONGEST)
    rows = Session.objects.filter(key__in=list(keys)).annotate(head=head)
    return {
        key: (
            headline(title) or f"Session {key[:8]}",
            task_id or "",
            headline(description or "") or f"Task {task_id}",
        )
        for key, title, task_id, description in rows.values_list(
            "key", "title", F("task_id"), "head"
        )
    }
