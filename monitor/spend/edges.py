"""Where the bars of a chart begin: on the clock and the calendar of a zone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from itertools import count, takewhile

ONE_HOUR = timedelta(hours=1)
MOST = 120  # bars; from there on the next longer step is taken


@dataclass(frozen=True)
class Step:
    """The span of one bar: hours of the clock that divide a day, days, or months."""

    words: str
    style: str  # of the label, as strftime takes it
    hours: int = 0
    days: int = 0
    months: int = 0

    def floor(self, local: datetime) -> datetime:
        """The beginning of the bar that holds `local`, a time of the wall clock."""
        if self.hours:
            return local.replace(hour=local.hour // self.hours * self.hours, minute=0, second=0)
        if self.months:
            return _month((local.year * 12 + local.month - 1) // self.months * self.months)
        day = datetime.combine(local, time())
        return day - timedelta(days=local.weekday() if self.days == 7 else 0)

    def after(self, local: datetime) -> datetime:
        """The beginning of the bar after the one that begins at `local`."""
        if not self.months:
            return local + timedelta(days=self.days, hours=self.hours)
        return _month(local.year * 12 + local.month - 1 + self.months)


def _month(number: int) -> datetime:
    """The beginning of a month, counted from the year 0; of the last year, where it lies later."""
    year, month = divmod(min(number, 9999 * 12), 12)
    return datetime.combine(date(year, month + 1, 1), time())


HOUR = Step("hour", "%b %-d, %H:%M", hours=1)
QUARTER = Step("6 hours", "%b %-d, %H:%M", hours=6)
DAY = Step("day", "%b %-d", days=1)
WEEK = Step("week", "%b %-d, %Y", days=7)
MONTH = Step("month", "%b %Y", months=1)
YEAR = Step("year", "%Y", months=12)
DECADE = Step("decade", "%Y", months=120)
CENTURY = Step("century", "%Y", months=1200)

STEPS = {"24h": HOUR, "7d": QUARTER, "30d": DAY}
LONGER = {2: HOUR, 31: DAY, 7 * MOST: WEEK, 30 * MOST: MONTH, 365 * MOST: YEAR, 3650 * MOST: DECADE}


def step_of(label: str, first: datetime, last: datetime) -> Step:
    """The step for the range `label`; that of others depends on how long they are, and that of
    "all" on how long there were records."""
    days = (last - first).days
    suited = (
        step
        for limit, step in LONGER.items()
        if days <= limit and (step is not HOUR or label != "all")
    )
    return STEPS.get(label) or next(suited, CENTURY)


def starts(first: datetime, end: datetime, step: Step, zone: tzinfo) -> Iterator[datetime]:
    """The beginnings (UTC) of the bars from the one that holds `first` to before `end`.

    An hour that the clock goes through twice is two bars; what it leaves out begins none.
    """
    wall = first.astimezone(zone).replace(microsecond=0)
    local, start = step.floor(wall.replace(tzinfo=None, fold=0)), None
    if step is HOUR:
        hour = first.replace(second=0, microsecond=0) - timedelta(minutes=wall.minute)
        yield from takewhile(lambda start: start < end, (hour + n * ONE_HOUR for n in count()))
        return
    while (begins := local.replace(tzinfo=zone).astimezone(UTC)) < end:
        if start is None or begins > start:
            yield begins
        start, local, before = begins, step.after(local), local
        if local == before:  # the calendar ends
            return
