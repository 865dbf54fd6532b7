"""What a family of sessions did and what it cost: the parts that both details are made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from django.db.models import Max, Sum

from costs.models import CostRecord
from costs.totals import SUMMED_FIELDS, Totals
from monitor.detail.address import Address
from monitor.detail.family import Family
from monitor.detail.timeline import Timeline
from sessions import planning
from sessions.models import ToolCall
from sessions.models.session import SessionQuerySet
from sessions.models.tool_call import ToolCallQuerySet

FIRST = 100
DELEGATING = ("Agent", "Task")
TOKENS = {
    "input_tokens": "in",
    "output_tokens": "out",
    "cache_read_tokens": "cache read",
    "cache_write_tokens": "cache write",
}


@dataclass(frozen=True)
class Shown:
    """The first of many rows, and how many are left."""

    rows: Sequence[Any]
    more: int = 0

    @classmethod
    def first(cls, rows: Any) -> Shown:
        shown = list(rows[:FIRST])
        return cls(shown, rows.count() - FIRST if len(shown) == FIRST else 0)


@dataclass(frozen=True)
class Work:
    family: Family
    address: Address
    now: datetime

    @cached_property
    def timeline(self) -> Timeline:
        return Timeline(self.family, self.address, self.now)

    @cached_property
    def plan(self) -> planning.Plan | None:
        """The plan of the session that planned last. Sub-agents have plans of their own.

        A whole list needs no look at what was planned before it, of which there may be much.
        """
        told = self.family.head_calls.filter(tool_name__in=planning.PLANNING_TOOLS)
        newest = told.exclude(success=False).order_by("-started_at", "-id").first()
        if newest is None:
            return None
        return planning.whole_plan(newest) or self._plan_of_all(told)

    def _plan_of_all(self, told: ToolCallQuerySet) -> planning.Plan | None:
        calls = told.only("session_id", "tool_name", "parameters", "success")
        by_session: dict[int, list[ToolCall]] = {}
        for call in calls.order_by("started_at", "id"):
            known = by_session.pop(call.session_id, [])
            known.append(call)
            by_session[call.session_id] = known  # the one that planned last is the last key
        plans = (planning.plan(calls) for calls in reversed(by_session.values()))
        return next((plan for plan in plans if plan), None)

    @cached_property
    def subagents(self) -> Shown:
        return self.stated(self.family.subagents)

    def stated(self, sessions: SessionQuerySet) -> Shown:
        """The first of `sessions`, the last active one first, each with its status."""
        shown = Shown.first(sessions.order_by("-last_activity_at", "-id"))
        return Shown([(row, row.status(self.now)) for row in shown.rows], shown.more)

    @cached_property
    def delegations(self) -> Shown:
        """The calls that sent a sub-agent off."""
        calls = self.family.calls.filter(tool_name__in=DELEGATING).select_related("session")
        shown = Shown.first(calls.order_by("-started_at", "-id"))
        return Shown([self.timeline.line(call) for call in shown.rows], shown.more)

    @cached_property
    def files(self) -> Shown:
        """The files touched, the last one first, summed over the sessions."""
        sums = {name: Sum(name) for name in ("reads", "writes", "edits")}
        by_path = self.family.files.values("path").annotate(**sums, last=Max("last_at"))
        return Shown.first(by_path.order_by("-last", "path"))

    @cached_property
    def costs(self) -> list[tuple[str, Totals]]:
        """By model, the dearest first, as far back as raw records are kept."""
        keys = self.family.sessions.values("key")
        # No blank key, in the words of the partial index: it would not be used without.
        records = CostRecord.objects.filter(session_key__in=keys).exclude(session_key="")
        sums = [Sum(field) for field in SUMMED_FIELDS]
        rows = records.values_list("model").annotate(*sums).order_by("model")
        by_model = [(model, Totals(*map(int, totals))) for model, *totals in rows]
        return sorted(by_model, key=lambda row: -row[1].cost_nano)

    @property
    def cost_nano(self) -> int:
        return sum(totals.cost_nano for _, totals in self.costs)

    @cached_property
    def call_tokens(self) -> list[tuple[str, int]]:
        """The tokens that the tool calls themselves reported, each kind in words, if any did."""
        sums = self.family.calls.aggregate(**{name: Sum(name) for name in TOKENS})
        return [(words, sums[name]) for name, words in TOKENS.items() if sums[name]]
