"""The instants that every database and every zone can hold."""

from __future__ import annotations

from datetime import UTC, datetime

from records.instants import EPOCH as EPOCH
from records.instants import FOREVER as FOREVER
from tasks.identity import Invalid


def instant(field: str, time: datetime) -> datetime:
    """The aware `time` in UTC; raises Invalid for one that is not between 1970 and 9999."""
    if not EPOCH <= time < FOREVER:
        raise Invalid(field, f"{time.isoformat()} is not between 1970 and 9999")
    return time.astimezone(UTC)
