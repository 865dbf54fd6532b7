"""The file's times, mostly naive ones of some zone, as UTC instants."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, tzinfo

from costs.instants import EPOCH, FOREVER

SHORTEST = len("2025-10-17T12:44:52")


class Clock:
    """Reads the times of one zone and counts in `notes` what was not plain."""

    def __init__(self, zone: tzinfo, notes: Counter[str]) -> None:
        self.zone = zone
        self.notes = notes

    def instant(self, text: str, previous: datetime | None = None) -> datetime:
        """The UTC instant of an ISO time; raises ValueError for anything else.

        An hour that daylight saving time repeats is the second one where the first would lie
        before `previous`: the records of a user stand in order.
        """
        moment = datetime.fromisoformat(text)
        if len(text) < SHORTEST:
            raise ValueError("a date without a time")
        if moment.tzinfo is None:
            instant = self._local(moment.replace(tzinfo=self.zone), previous)
        else:
            self.notes["times with an offset of their own: taken as they are"] += 1
            instant = moment.astimezone(UTC)
        if not EPOCH <= instant < FOREVER:
            raise ValueError("not between 1970 and 9999")
        return instant

    def _local(self, moment: datetime, previous: datetime | None) -> datetime:
        first, second = moment.astimezone(UTC), moment.replace(fold=1).astimezone(UTC)
        if first > second:
            self.notes["times in an hour that the zone skips: moved by its change"] += 1
        elif first < second:
            self.notes["times in an hour that the zone repeats: resolved by their order"] += 1
            return second if previous and first < previous else first
        return first
