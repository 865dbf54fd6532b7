"""The hours, days and months of UTC that rollups are kept by."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from records.instants import floor_day, floor_hour, floor_month

Span = tuple[datetime, datetime]
"""[start, end)."""


class Unit(NamedTuple):
    """Spans of UTC that follow each other: when the one that holds an instant began."""

    floor: Callable[[datetime], datetime]
    longest: timedelta

    def ceil(self, instant: datetime) -> datetime:
        here = self.floor(instant)
        return here if here == instant else self.floor(here + self.longest)

    def cut(self, span: Span) -> tuple[Span | None, list[Span]]:
        """The whole units of a span, and what is left of it before and after them."""
        start, end = (instant.astimezone(UTC) for instant in span)
        first, last = self.ceil(start), self.floor(end)
        if first >= last:
            return None, [(start, end)] if start < end else []
        edges = (start, first), (last, end)
        return (first, last), [edge for edge in edges if edge[0] < edge[1]]

    def starts(self, start: datetime, end: datetime) -> list[datetime]:
        """The beginning of each unit that reaches into [start, end)."""
        found, here = [], self.floor(start.astimezone(UTC))
        while here < end:
            found.append(here)
            here = self.floor(here + self.longest)
        return found


HOUR = Unit(floor_hour, timedelta(hours=1))
DAY = Unit(floor_day, timedelta(days=1))
MONTH = Unit(floor_month, timedelta(days=31))
