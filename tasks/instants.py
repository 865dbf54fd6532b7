"""The instants that every database and every zone can hold."""

from __future__ import annotations

from datetime import UTC, datetime

from tasks.identity import Invalid

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FOREVER = datetime(9999, 1, 1, tzinfo=UTC)


def instant(field: str, time: datetime) -> datetime:
    """The aware `time` in UTC; raises Invalid for one that is not between 1970 and 9999."""
    if not EPOCH <= time < FOREVER:
        raise Invalid(field, f"{time.isoformat()} is not between 1970 and 9999")
    return time.astimezone(UTC)
