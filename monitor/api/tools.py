"""How often each tool was called in a window, and how often that failed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from monitor.api.window import Span
from sessions import statistics
from sessions.rollups import Sums


@dataclass(frozen=True)
class Tools:
    """Exact for every window: whole months, days and hours come from their rollups."""

    span: Span

    @cached_property
    def _sums(self) -> dict[str, Sums]:
        """By tool, the most called first."""
        sums = statistics.sums(*self.span)
        return dict(sorted(sums.items(), key=lambda item: (-item[1].calls, item[0])))

    @property
    def by_type(self) -> dict[str, int]:
        """Calls by tool, the most called first."""
        return {name: sums.calls for name, sums in self._sums.items()}

    @property
    def calls(self) -> int:
        return sum(sums.calls for sums in self._sums.values())

    @property
    def failures(self) -> int:
        return sum(sums.failures for sums in self._sums.values())

    def success_rate(self, tool: str) -> float:
        """The share of its calls that did not fail, 0 to 100."""
        sums = self._sums[tool]
        return 100 * (sums.calls - sums.failures) / sums.calls

    def mean(self, tool: str) -> float | None:
        """In ms, over its calls whose duration is known; None where there is none."""
        sums = self._sums[tool]
        return sums.total_ms / sums.timed if sums.timed else None
