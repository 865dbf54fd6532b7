from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Self
from urllib.parse import urlencode

from monitor.periods import DEFAULT_RANGE, Period
from sessions.models.tool_call import MAX_TOOL_NAME

# What rows are sorted by, and how the head of the column says it.
SORTS = {
    "name": "Tool",
    "calls": "Calls",
    "failures": "Failed",
    "rate": "Failure rate",
    "p95": "p95",
}
DEFAULT_SORT = "calls"


@dataclass(frozen=True)
class ToolsAddress:
    """The URL of the tools page: a range, and either all tools in an order or one of them."""

    path: str
    period: Period
    sort: str = DEFAULT_SORT
    tool: str = ""

    @classmethod
    def parse(cls, path: str, asked: Mapping[str, str], now: datetime) -> Self:
        """What `asked`, a query, means. Raises ValueError, in words for the reader."""
        sort, tool = asked.get("sort", DEFAULT_SORT), asked.get("tool", "")
        if sort not in SORTS:
            raise ValueError(f"Tools are not sorted by “{sort[:20]}”; choose {', '.join(SORTS)}.")
        if "\0" in tool or len(tool) > MAX_TOOL_NAME:
            raise ValueError("There is no such tool.")
        return cls(path, Period.parse(asked.get("range", DEFAULT_RANGE), now), sort, tool)

    def __str__(self) -> str:
        state = {"range": self.period.label}
        state |= {"sort": self.sort} if self.sort != DEFAULT_SORT else {}
        state |= {"tool": self.tool} if self.tool else {}
        return f"{self.path}?{urlencode(state)}"

    def to(self, **changes: Any) -> str:
        return str(replace(self, **changes))

    def ranged(self, label: str) -> str:
        """The same of another range."""
        return self.to(period=replace(self.period, label=label))
