"""Windows of time, cut into the pieces whose sums are kept, and the raw edges around them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from costs.instants import ceil_day, ceil_hour, ceil_month, floor_day, floor_hour, floor_month
from costs.watermark import Watermark

Span = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True)
class Pieces:
    """Disjoint spans [start, end) that together are a window, by where their sums are kept."""

    raw: tuple[Span, ...]
    hours: tuple[Span, ...] = ()
    days: tuple[Span, ...] = ()


def widened(start: datetime, end: datetime, mark: Watermark) -> Span:
    """The window that can be answered exactly: edges before `pruned_before` on whole hours."""
    return (
        floor_hour(start) if start < mark.pruned_before else start,
        ceil_hour(end) if end < mark.pruned_before else end,
    )


def kept(start: datetime, end: datetime, mark: Watermark) -> Span:
    """The part of the window of which all raw rows are kept; it may be empty."""
    return min(max(start, mark.pruned_before), end), end


def whole_months(start: datetime, end: datetime, mark: Watermark) -> Span:
    """The sealed months of the window; that of `sealed_to` ends there. It may be empty, or less."""
    start, end = widened(start, end, mark)
    return ceil_month(start), mark.sealed_to if end >= mark.sealed_to else floor_month(end)


def only_months_pruned(start: datetime, end: datetime, mark: Watermark) -> bool:
    """Whether the window is whole months, and around them raw rows that are all kept."""
    start, end = widened(start, end, mark)
    first, last = whole_months(start, end, mark)
    known_before = start == first or start >= mark.pruned_before
    known_after = end == last or last >= mark.pruned_before
    return first < last and known_before and known_after


def cut(start: datetime, end: datetime, mark: Watermark) -> Pieces:
    """Cut [start, end) so that no piece reads raw rows before `pruned_before`.

    A rollup cell counts as in a span when its beginning is. The last sealed cells may be cut
    short by `sealed_to`; they hold just what lies before it, and the raw tail goes on from there.
    """
    if start >= end:
        return Pieces(raw=())
    start, end = widened(start, end, mark)
    first_hour, last_hour = ceil_hour(start), min(mark.sealed_to, floor_hour(end))
    if first_hour >= last_hour:
        return Pieces(raw=((start, end),))
    raw = _real((start, first_hour), (last_hour, end))
    first_day, last_day = ceil_day(first_hour), min(mark.sealed_to, floor_day(end))
    if first_day >= last_day:
        return Pieces(raw, hours=((first_hour, last_hour),))
    hours = _real((first_hour, first_day), (last_day, last_hour))
    return Pieces(raw, hours, days=((first_day, last_day),))


def _real(*spans: Span) -> tuple[Span, ...]:
    return tuple(span for span in spans if span[0] < span[1])
