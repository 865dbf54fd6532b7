"""What failed in a range: tasks and tool calls, each grouped by what their errors share."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import Any, Self
from urllib.parse import urlencode

from django.db.models import Count, Max, Min, QuerySet
from django.db.models.functions import Left
from django.urls import reverse

from monitor.detail.address import page_number
from monitor.detail.paging import Sheet
from monitor.detail.wording import category_words, headline, shortened
from monitor.periods import DEFAULT_RANGE, Period, RangeLink, range_links
from sessions.models import ToolCall
from tasks.models import Task

GROUPS_A_PAGE = 20
FAILURES_A_PAGE = 50
NEWEST = 10
SAMPLE = 600  # characters of an error text that a list shows
TASKS, CALLS = "tasks", "calls"
KINDS = {TASKS: "Failed tasks", CALLS: "Failed tool calls"}


@dataclass(frozen=True)
class ErrorsAddress:
    """The URL of the errors page: a range, and either both lists or all failures of one group."""

    path: str
    period: Period
    tasks: int = 1
    calls: int = 1
    kind: str = ""
    fingerprint: str = ""
    page: int = 1

    @classmethod
    def parse(cls, path: str, asked: Mapping[str, str], now: datetime) -> Self:
        """What `asked`, a query, means. Raises ValueError, in words for the reader."""
        kind, mark, fingerprint = asked.get("group", "").partition(":")
        known = kind in KINDS and mark and re.fullmatch("[0-9a-f]{0,16}", fingerprint)
        if "group" in asked and not known:
            raise ValueError(f"There is no group “{asked['group'][:40]}”.")
        return cls(
            path=path,
            period=Period.parse(asked.get("range", DEFAULT_RANGE), now),
            tasks=page_number(asked, TASKS),
            calls=page_number(asked, CALLS),
            kind=kind,
            fingerprint=fingerprint,
            page=page_number(asked, "page"),
        )

    def __str__(self) -> str:
        pages = {name: getattr(self, name) for name in (TASKS, CALLS, "page")}
        state = {"group": f"{self.kind}:{self.fingerprint}"} if self.kind else {}
        state |= {name: str(number) for name, number in pages.items() if number > 1}
        return f"{self.path}?{urlencode({'range': self.period.label} | state)}"

    def to(self, **changes: Any) -> str:
        return str(replace(self, **changes))


@dataclass(frozen=True)
class Failure:
    """A task or a call that failed, as a link to where it is told."""

    at: datetime
    label: str
    url: str
    text: str
    category: str

    @classmethod
    def of(cls, row: Any) -> Self:
        if isinstance(row, Task):
            label = headline(row.description) or f"Task {row.id}"
            at, url = row.finished_at or row.updated_at, reverse("task", args=[row.id])
        else:
            session = row.session
            label = f"{row.tool_name} in {headline(session.title) or session.key}"
            at, url = row.started_at, reverse("session", args=[session.key])
        return cls(at, shortened(label), url, row.sample.strip(), row.error_category)


@dataclass(frozen=True)
class Group:
    """Failures that say the same, numbers and ids aside; the newest of them stands for all."""

    fingerprint: str
    count: int
    first: datetime
    last: datetime
    newest: list[Failure]
    url: str

    @property
    def sample(self) -> str:
        return self.newest[0].text if self.newest else ""

    @property
    def category(self) -> str:
        return category_words(self.newest[0].category) if self.newest else ""

    @property
    def is_all(self) -> bool:
        """Whether the newest are all there are."""
        return self.count <= len(self.newest)


@dataclass(frozen=True)
class ErrorList:
    """The failures of one kind, by group: the most frequent first, then the newest.

    `tool` narrows calls to those of one tool; `size` groups are a page.
    """

    kind: str
    address: ErrorsAddress
    tool: str = ""
    size: int = GROUPS_A_PAGE

    @property
    def title(self) -> str:
        return KINDS[self.kind]

    @property
    def time(self) -> str:
        """The field that dates a failure."""
        return "finished_at" if self.kind == TASKS else "started_at"

    @property
    def failures(self) -> QuerySet[Any]:
        window = self.address.period.start, self.address.period.end
        if self.kind == TASKS:
            return Task.objects.failed_between(*window)
        failed = ToolCall.objects.between(*window).failed()
        return failed.of_tool(self.tool) if self.tool else failed

    @cached_property
    def counted(self) -> list[dict[str, Any]]:
        """All groups: the one look at every failure from which the other figures come.

        COUNT(*), for of a key PostgreSQL would read each row, which its index does not hold.
        """
        grouped = self.failures.values("error_fingerprint").annotate(
            count=Count("*"), first=Min(self.time), last=Max(self.time)
        )
        return list(grouped.order_by("-count", "-last", "error_fingerprint"))

    @property
    def total(self) -> int:
        return sum(row["count"] for row in self.counted)

    @cached_property
    def sheet(self) -> Sheet:
        number = getattr(self.address, self.kind)
        return Sheet(self.counted, self.size, number, len(self.counted), self.page_url)

    def page_url(self, number: int) -> str:
        return self.address.to(**{self.kind: number})

    @cached_property
    def groups(self) -> list[Group]:
        rows = list(self.sheet)
        newest = self.newest(rows)
        return [
            Group(
                row["error_fingerprint"],
                row["count"],
                row["first"],
                row["last"],
                newest[row["error_fingerprint"]],
                self.address.to(kind=self.kind, fingerprint=row["error_fingerprint"], page=1),
            )
            for row in rows
        ]

    def newest(self, groups: list[dict[str, Any]]) -> dict[str, list[Failure]]:
        """The newest failures of each group, each looked up in an index by itself.

        One question of them all, but not one condition: PostgreSQL would hold every row against it.
        """
        found: dict[str, list[Failure]] = defaultdict(list)
        every = self.failures.model._default_manager.all()
        looks = [self.told(every.filter(pk__in=self.newest_of(group))) for group in groups]
        if looks:
            first, *others = (look.order_by() for look in looks)
            for row in first.union(*others, all=True).order_by(f"-{self.time}", "-pk"):
                found[row.error_fingerprint].append(Failure.of(row))
        return found

    def newest_of(self, group: dict[str, Any]) -> QuerySet[Any]:
        within = {f"{self.time}__gte": group["first"], f"{self.time}__lte": group["last"]}
        alike = self.failures.filter(error_fingerprint=group["error_fingerprint"], **within)
        return alike.order_by(f"-{self.time}", "-pk").values("pk")[:NEWEST]

    def told(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        """The rows, newest first, with no more of their long texts than is shown."""
        sampled: QuerySet[Any] = rows.annotate(sample=Left("error", SAMPLE))
        sampled = sampled.order_by(f"-{self.time}", "-pk")
        if self.kind == TASKS:
            return sampled.defer("error", "context", "result")
        return sampled.defer("error", "parameters").select_related("session")


@dataclass(frozen=True)
class OneGroup:
    """All failures of one group in the range, paged."""

    address: ErrorsAddress

    @property
    def listed(self) -> ErrorList:
        return ErrorList(self.address.kind, self.address)

    @cached_property
    def sheet(self) -> Sheet:
        alike = self.listed.failures.filter(error_fingerprint=self.address.fingerprint)
        rows = self.listed.told(alike)
        return Sheet(rows, FAILURES_A_PAGE, self.address.page, alike.count(), self.page_url)

    def page_url(self, number: int) -> str:
        return self.address.to(page=number)

    @cached_property
    def failures(self) -> list[Failure]:
        return [Failure.of(row) for row in self.sheet]

    @property
    def back_url(self) -> str:
        return self.address.to(kind="", fingerprint="", page=1)


@dataclass(frozen=True)
class Errors:
    address: ErrorsAddress

    @property
    def ranges(self) -> list[RangeLink]:
        address = self.address
        return range_links(address.period.label, lambda label: f"{address.path}?range={label}")

    @cached_property
    def one(self) -> OneGroup | None:
        return OneGroup(self.address) if self.address.kind else None

    @cached_property
    def lists(self) -> list[ErrorList]:
        return [ErrorList(kind, self.address) for kind in KINDS]
