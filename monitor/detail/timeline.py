"""The tool calls of a family of sessions, newest first."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from django.db.models import Count

from monitor.detail.address import Address
from monitor.detail.family import Family
from monitor.detail.paging import Sheet
from monitor.detail.wording import category_words
from sessions.models import ToolCall
from sessions.models.session import SessionStatus
from sessions.models.tool_call import ToolCallQuerySet
from sessions.summary import Summary, summary

CALLS_A_PAGE = 50
LONGEST_PARAMETERS = 20_000


@dataclass(frozen=True)
class Choice:
    """A filter of the timeline as a link; `count` is how many calls it would show."""

    label: str
    url: str
    count: int
    chosen: bool


@dataclass(frozen=True)
class Line:
    """One call as a row of the timeline."""

    call: ToolCall
    is_over: bool
    is_foreign: bool
    """Made by a sub-agent, not by the session that the page is about."""

    @property
    def summary(self) -> Summary:
        if self.call.is_bare:
            return summary(self.call.tool_name, {"file_path": self.call.file_path})
        return summary(self.call.tool_name, self.call.parameters)

    @property
    def category(self) -> str:
        return category_words(self.call.error_category)

    @property
    def outcome(self) -> str:
        """In one word, of which "unknown" is a call that will report no end any more."""
        if self.call.success is None:
            return "unknown" if self.is_over else "running"
        return "ok" if self.call.success else "failed"

    @property
    def parameters(self) -> str:
        """As indented JSON, cut for display; blank where there are none."""
        if not self.call.parameters:
            return ""
        text = json.dumps(self.call.parameters, indent=2, ensure_ascii=False)
        if len(text) <= LONGEST_PARAMETERS:
            return text
        return f"{text[:LONGEST_PARAMETERS]}\n… and {len(text) - LONGEST_PARAMETERS:,} characters"


@dataclass(frozen=True)
class Timeline:
    family: Family
    address: Address
    now: datetime

    @property
    def chosen(self) -> ToolCallQuerySet:
        return self.family.calls.failed() if self.address.failed else self.family.calls

    @cached_property
    def counts(self) -> dict[str, int]:
        """How many calls of each tool there are, failed ones only where these are asked for."""
        counted = self.chosen.values_list("tool_name").annotate(count=Count("id"))
        return dict(counted.order_by("-count", "tool_name"))

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    @cached_property
    def sheet(self) -> Sheet:
        tool, calls = self.address.tool, self.chosen
        count = self.counts.get(tool, 0) if tool else self.total
        rows = (calls.of_tool(tool) if tool else calls).select_related("session")
        ordered = rows.order_by("-started_at", "-id")
        return Sheet(ordered, CALLS_A_PAGE, self.address.calls, count, self.url)

    def url(self, number: int) -> str:
        return self.address.to(calls=number)

    @cached_property
    def lines(self) -> list[Line]:
        return [self.line(call) for call in self.sheet]

    @property
    def has_bare(self) -> bool:
        """Whether some of the lines are of calls whose parameters and error text are pruned."""
        return any(line.call.is_bare for line in self.lines)

    def line(self, call: ToolCall) -> Line:
        """`call`, whose session is loaded, as a row."""
        is_over = call.session.status(self.now) == SessionStatus.COMPLETED
        return Line(call, is_over, not self.family.is_head(call.session))

    @property
    def tools(self) -> list[Choice]:
        """All tools, then each by how often it was called."""
        tool, counts = self.address.tool, self.counts
        every = [("", self.total), *counts.items()]
        if tool and tool not in counts:
            every.append((tool, 0))
        return [
            Choice(name or "All tools", self.address.to(tool=name, calls=1), count, name == tool)
            for name, count in every
        ]

    @property
    def failed_url(self) -> str:
        """The link that shows failed calls only, or all of them again."""
        return self.address.to(failed=not self.address.failed, calls=1)
