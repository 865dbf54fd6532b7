"""The ranges of time that a page can show."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

from costs.windows import EPOCH, FOREVER

HOUR, DAY = timedelta(hours=1), timedelta(days=1)

# What the URL says: how far back, the span of one point of a chart, the range in words.
RANGES: dict[str, tuple[timedelta | None, timedelta, str]] = {
    "24h": (DAY, HOUR, "24 hours"),
    "7d": (7 * DAY, 6 * HOUR, "7 days"),
    "30d": (30 * DAY, DAY, "30 days"),
    "all": (None, 30 * DAY, "all"),
}
DEFAULT_RANGE = "24h"


@dataclass(frozen=True)
class Period:
    """A range in UTC, [start, end), named by `label` as in "Errors (24h)".

    Both ends lie on whole minutes and the current minute is inside, so that what a period
    shows depends on its start and on the data alone.
    """

    label: str
    start: datetime
    end: datetime

    @classmethod
    def parse(cls, text: str, now: datetime) -> Self:
        """The period that `text` (24h, 7d, 30d or all) means at `now`.

        "all" also holds what is dated in the future. Raises ValueError for another text.
        """
        if text not in RANGES:
            raise ValueError(f"There is no range “{text[:20]}”; choose {', '.join(RANGES)}.")
        length = RANGES[text][0]
        if length is None:
            return cls(text, EPOCH, FOREVER)
        minute = now.replace(second=0, microsecond=0)
        return cls(text, minute - length, minute + timedelta(minutes=1))

    def previous(self) -> "Period | None":
        """The range of the same length that ends where this one starts; none before "all"."""
        length = RANGES[self.label][0]
        return Period(self.label, self.start - length, self.start) if length else None

    @property
    def words(self) -> str:
        return RANGES[self.label][2]

    @property
    def bucket(self) -> timedelta:
        """The span that one point of a chart of this range stands for."""
        return RANGES[self.label][1]


@dataclass(frozen=True)
class RangeLink:
    """A range that may be chosen, and the page that shows it."""

    label: str
    words: str
    url: str
    is_current: bool


def range_links(shown: str, url: Callable[[str], str]) -> list[RangeLink]:
    """A link for each range; `url` tells the page of a label, `shown` is the one looked at."""
    return [
        RangeLink(label, words, url(label), label == shown) for label, (*_, words) in RANGES.items()
    ]
