"""What the calendar month will have cost at its end, if it goes on as in the last days."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction

from django.utils import timezone

from costs.instants import DAY, EPOCH, local_month
from costs.spending import EVERYTHING, Filter, Spending
from costs.windows import is_empty

WEEK = 7 * DAY
MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Projection:
    """The month of settings.TIME_ZONE up to now, and to its end at `ends_at`; nano-dollars.

    `method` says in words how the projection is made.
    """

    spent_nano: int
    projected_nano: int
    rate_nano_a_day: int
    ends_at: datetime
    method: str


def projection(now: datetime, only: Filter = EVERYTHING) -> Projection:
    """Spent this month, plus the mean rate of the last 7 × 24 hours for the time that is left.

    The rate is that since the first record where there are records for fewer than 7 days, but of
    one day at least. Exact, and rounded once, half to even.
    """
    begins_at, ends_at = local_month(now, timezone.get_default_timezone())
    spent, since = _cost(begins_at, now, only), _measured_since(now, only)
    rate = Fraction(_cost(since, now, only), (now - since) // MICROSECOND)
    return Projection(
        spent_nano=spent,
        projected_nano=round(spent + rate * ((ends_at - now) // MICROSECOND)),
        rate_nano_a_day=round(rate * (DAY // MICROSECOND)),
        ends_at=ends_at,
        method=f"Spent so far, plus the mean rate of {_words(now - since)} until the month ends.",
    )


def _cost(start: datetime, end: datetime, only: Filter) -> int:
    return Spending(start, end, only).totals.cost_nano


def _measured_since(now: datetime, only: Filter) -> datetime:
    """A week ago, or the first record of a filter that had none before; a day ago at the latest.

    Each part of the filter is looked up by itself, in the rollups: the raw records before the
    week may be many.
    """
    week = now - WEEK
    parts = [{column: value} for column, value in only.only.items() if column != "source"]
    if not any(is_empty(EPOCH, week, part) for part in parts or [{}]):
        return week
    records = only.records().between(week, now).order_by("timestamp")
    first = records.values_list("timestamp", flat=True).first() or now
    return min(first, now - DAY)


def _words(span: timedelta) -> str:
    """The span that is measured, as “the last 7 days”."""
    days = span / DAY
    return "the last 24 hours" if days == 1 else f"the last {days:.1f}".removesuffix(".0") + " days"
