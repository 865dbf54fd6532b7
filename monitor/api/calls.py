"""The tool calls of a task or session as they were made, each of them one entry."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Annotated, Any, Literal

from django.db.models import Count
from msgspec import Meta, Struct

from monitor.detail.family import Family
from monitor.detail.work import DELEGATING
from sessions.models import ToolCall
from sessions.models.session import SessionStatus
from sessions.models.tool_call import ToolCallQuerySet

LONGEST = 1_000

Outcome = Annotated[
    Literal[0, 1] | None, Meta(description="1: well, 0: failed, null: no end was reported.")
]


class CallsQuery(Struct):
    """Page 1 holds the newest calls, the next one those before them; each is oldest first."""

    page: Annotated[int, Meta(ge=1, le=10**6)] = 1
    page_size: Annotated[int, Meta(ge=1, le=LONGEST)] = LONGEST

    @property
    def cut(self) -> slice:
        return slice((self.page - 1) * self.page_size, self.page * self.page_size)


class TaskCall(Struct):
    """A call. `tool` repeats the name; `output_preview` is the error, the only output kept."""

    timestamp: datetime
    tool_name: str
    tool: str
    success: Outcome
    has_error: bool
    error: str | None
    output_preview: str | None
    parameters: Any
    in_progress: Annotated[bool, Meta(description="No end was reported, and one may yet be.")]
    duration_ms: int | None


class SessionCall(Struct):
    """A call; `duration` in ms."""

    tool: str
    timestamp: datetime
    duration: int | None
    has_error: bool
    error: str | None
    success: Outcome
    parameters: Any
    error_category: str | None


class Delegation(Struct):
    """A sub-agent that was sent off: its type (“unknown” where not told), and for what."""

    worker: str
    description: str
    timestamp: datetime


@dataclass(frozen=True)
class Calls:
    """The calls of a family of sessions, as they are at `now`."""

    family: Family
    asked: CallsQuery
    now: datetime

    @cached_property
    def by_type(self) -> dict[str, int]:
        """The calls that are kept by tool, the most called first."""
        counted = self.family.calls.values_list("tool_name").annotate(count=Count("*"))
        return dict(counted.order_by("-count", "tool_name"))

    @property
    def total(self) -> int:
        """Of all calls, also those that were pruned."""
        return int(self.family.counted["calls"])

    @property
    def failures(self) -> int:
        return int(self.family.counted["failures"])

    @cached_property
    def page(self) -> list[ToolCall]:
        """Oldest first."""
        return self._newest(self.family.calls)[::-1]

    def _newest(self, calls: ToolCallQuerySet) -> list[ToolCall]:
        rows = calls.select_related("session").order_by("-started_at", "-pk")
        return list(rows[self.asked.cut])

    def of_task(self) -> list[TaskCall]:
        return [
            TaskCall(
                timestamp=call.started_at,
                tool_name=call.tool_name,
                tool=call.tool_name,
                success=outcome(call),
                has_error=call.success is False,
                error=call.error or None,
                output_preview=call.error or None,
                parameters=None if call.is_bare else call.parameters,
                in_progress=self._in_progress(call),
                duration_ms=call.duration_ms,
            )
            for call in self.page
        ]

    def _in_progress(self, call: ToolCall) -> bool:
        over = call.session.status(self.now) == SessionStatus.COMPLETED
        return call.success is None and not over

    def of_session(self) -> list[SessionCall]:
        return [
            SessionCall(
                tool=call.tool_name,
                timestamp=call.started_at,
                duration=call.duration_ms,
                has_error=call.success is False,
                error=call.error or None,
                success=outcome(call),
                parameters=None if call.is_bare else call.parameters,
                error_category=call.error_category or None,
            )
            for call in self.page
        ]

    def delegations(self) -> list[Delegation]:
        """The calls that sent a sub-agent off: the newest of them, oldest first."""
        calls = self.family.calls.filter(tool_name__in=DELEGATING)
        rows = calls.order_by("-started_at", "-pk").values_list("parameters", "started_at")
        return [delegation(told, at) for told, at in list(rows[:LONGEST])[::-1]]


def outcome(call: ToolCall) -> Literal[0, 1] | None:
    if call.success is None:
        return None
    return 1 if call.success else 0


def delegation(parameters: Any, at: datetime) -> Delegation:
    told = dict(_texts(parameters))
    return Delegation(
        told.get("subagent_type") or "unknown",
        told.get("description") or "Task agent spawned",
        at,
    )


def _texts(parameters: Any) -> Iterator[tuple[str, str]]:
    """What is told as text: nobody promised that parameters have any shape."""
    if isinstance(parameters, dict):
        yield from ((name, text) for name, text in parameters.items() if isinstance(text, str))
