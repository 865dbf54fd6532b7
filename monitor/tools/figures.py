from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from monitor.templatetags.formatting import span
from monitor.tools.drawing import Chart, Slot, chart, slots
from sessions.rollups import Sums
from sessions.spans import Unit
from sessions.statistics import Point, Tool

MCP = "mcp__"
FEW = 10  # calls, below which a rate says little
WORDS = {timedelta(hours=1): "hour", timedelta(days=1): "day", timedelta(days=31): "month"}
SHAPES = {timedelta(hours=1): "%Y-%m-%d %H:00", timedelta(days=1): "%Y-%m-%d"}


@dataclass(frozen=True)
class ToolName:
    """A tool's name as people read it: `mcp__server__tool` is `tool`, of a server."""

    full: str

    @property
    def parts(self) -> tuple[str, str]:
        server, mark, tool = self.full.removeprefix(MCP).partition("__")
        is_mcp = self.full.startswith(MCP) and bool(mark and server and tool)
        return (server, tool) if is_mcp else ("", self.full)

    @property
    def server(self) -> str:
        return self.parts[0]

    @property
    def short(self) -> str:
        return self.parts[1]


@dataclass(frozen=True)
class Change:
    """The calls of a range against those of the one before; `share` is None of none before."""

    now: int
    before: int

    @property
    def share(self) -> float | None:
        return (self.now - self.before) / self.before if self.before else None


@dataclass(frozen=True)
class Row:
    """One tool in a range, with what is drawn of it and where its numbers lead."""

    tool: Tool
    before: Sums | None  # None where there is no range before
    starts: list[datetime]
    unit: Unit
    url: str
    calls_url: str
    is_worst: bool = False

    @property
    def name(self) -> ToolName:
        return ToolName(self.tool.name)

    @property
    def change(self) -> Change | None:
        return None if self.before is None else Change(self.tool.calls, self.before.calls)

    @property
    def p50(self) -> timedelta | None:
        return length(self.tool.p50)

    @property
    def p95(self) -> timedelta | None:
        return length(self.tool.p95)

    @property
    def mean(self) -> timedelta | None:
        return length(self.tool.mean)

    @property
    def points(self) -> list[tuple[str, Point]]:
        """Calls and failures by hour, day or month, with its beginning in UTC."""
        shape = SHAPES.get(self.unit.longest, "%Y-%m")
        none = Point(0, 0)
        return [(f"{start:{shape}}", self.tool.trend.get(start, none)) for start in self.starts]

    @property
    def trend(self) -> Chart:
        return chart([point for _, point in self.points])

    @property
    def trend_words(self) -> str:
        if not self.points:
            return "No calls."
        start, top = max(self.points, key=lambda point: point[1].calls)
        return (
            f"{self.tool.calls:,} calls, {self.tool.failures:,} failed;"
            f" most in the {WORDS[self.unit.longest]} {start} UTC: {top.calls:,}."
        )

    @cached_property
    def slots(self) -> list[Slot]:
        return slots(self.tool.durations)

    @property
    def longest(self) -> int:
        """Milliseconds, where the histogram ends."""
        return self.slots[-1].high

    @property
    def histogram(self) -> Chart:
        return chart([Point(slot.calls, 0) for slot in self.slots])

    @property
    def histogram_words(self) -> str:
        if not self.slots:
            return "No duration is known."
        top = max(self.slots, key=lambda slot: slot.calls)
        return (
            f"From {span(self.slots[0].low)} to {span(self.slots[-1].high)};"
            f" most take {span(top.low)} to {span(top.high)}: {top.calls:,} calls."
        )


def length(milliseconds: float | None) -> timedelta | None:
    return None if milliseconds is None else timedelta(milliseconds=milliseconds)


ORDERS: dict[str, Callable[[Row], Any]] = {
    "name": lambda row: row.tool.name.casefold(),
    "calls": lambda row: -row.tool.calls,
    "failures": lambda row: (-row.tool.failures, -row.tool.calls),
    "rate": lambda row: (-row.tool.failure_rate, -row.tool.failures),
    "p95": lambda row: -1.0 if row.tool.p95 is None else -row.tool.p95 - 2,
}


def worst(tools: tuple[Tool, ...]) -> frozenset[str]:
    """The tools of the highest failure rate; those called a few times only where all are."""
    often = [tool for tool in tools if tool.calls >= FEW] or list(tools)
    rate = max((tool.failure_rate for tool in often), default=0.0)
    return frozenset(tool.name for tool in often if rate and tool.failure_rate == rate)
