from __future__ import annotations

from collections import Counter
from datetime import datetime, tzinfo

from costs.usage_json.clock import Clock
from monitor.origin_database.pairing import SKEW
from monitor.origin_database.rows import Unreadable


class Times:
    """The times of the origin: naive local ones of one zone; counts in `notes` what it reads."""

    def __init__(self, zone: tzinfo, notes: Counter[str]) -> None:
        self.clock, self.notes = Clock(zone, notes), notes
        self.naive = f"times without a zone: read as those of {zone}"

    def instant(self, text: str, field: str, previous: datetime | None = None) -> datetime:
        """The UTC instant; raises Unreadable, naming `field`, for what is no time.

        In an hour that the zone repeats it does not lie before `previous`, unless by so little
        that two writers may have overtaken each other.
        """
        try:
            instant = self.clock.instant(text, previous and previous - SKEW)
            self.notes[self.naive] += datetime.fromisoformat(text).tzinfo is None
        except (ValueError, OverflowError) as fault:
            raise Unreadable(f"{field}: {text!r} is not a time ({fault})") from None
        return instant
