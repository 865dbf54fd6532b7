"""Of which time, and which part of a list, a route is asked."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated

from msgspec import Meta, Struct

MAX_HOURS = 10 * 366 * 24
MINUTE = timedelta(minutes=1)

Span = tuple[datetime, datetime]
Hours = Annotated[int, Meta(ge=1, le=MAX_HOURS, description="How far back.")]


class HoursQuery(Struct):
    hours: Hours = 24


class PageQuery(Struct):
    """A page beyond the end is an empty list."""

    page: Annotated[int, Meta(ge=1, le=10**6)] = 1
    page_size: Annotated[int, Meta(ge=1, le=100)] = 8

    @property
    def cut(self) -> slice:
        """Where of the whole list the page is."""
        return slice((self.page - 1) * self.page_size, self.page * self.page_size)


def window(now: datetime, *, hours: int = 0, minutes: int = 0) -> Span:
    """The last hours and minutes as [start, end) on whole minutes, the current one included."""
    minute = now.replace(second=0, microsecond=0)
    return minute - timedelta(hours=hours, minutes=minutes), minute + MINUTE
