"""How often each tool was called in a window, and how often that failed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.db.models import Sum

from monitor.api.window import Span
from sessions.models import ToolCall, ToolDay
from sessions.statistics import DAY


@dataclass(frozen=True)
class Tools:
    """Exact for every window: whole UTC days come from their rollup, the rest from the calls."""

    span: Span

    @cached_property
    def _counted(self) -> tuple[Counter[str], Counter[str]]:
        """Calls and failures by tool."""
        start, end = self.span
        first, last = DAY.ceil(start), DAY.floor(end)
        edges = ((start, first), (last, end)) if first < last else (self.span,)
        days = ToolDay.objects.filter(day__gte=first.date(), day__lt=last.date())
        pieces: list[Iterable[Any]] = [ToolCall.objects.between(*edge).counted() for edge in edges]
        pieces.append(days.values_list("tool_name").annotate(Sum("calls"), Sum("failures")))
        calls, failures = Counter[str](), Counter[str]()
        for piece in pieces:
            for name, called, failed in piece:
                calls[name] += int(called)
                failures[name] += int(failed)
        return calls, failures

    @cached_property
    def by_type(self) -> dict[str, int]:
        """Calls by tool, the most called first."""
        calls, _ = self._counted
        return dict(sorted(calls.items(), key=lambda item: (-item[1], item[0])))

    @property
    def calls(self) -> int:
        return sum(self.by_type.values())

    @property
    def failures(self) -> int:
        return sum(self._counted[1].values())

    def success_rate(self, tool: str) -> float:
        """The share of its calls that did not fail, 0 to 100."""
        calls, failures = self._counted
        return 100 * (calls[tool] - failures[tool]) / calls[tool]

    @cached_property
    def means(self) -> dict[str, float | None]:
        """By tool, in ms, over the calls that are stored and whose duration is known."""
        return ToolCall.objects.between(*self.span).mean_durations()
