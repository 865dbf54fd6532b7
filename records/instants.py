"""The instants between which every record lies, and the hours, days and months of UTC."""

from datetime import UTC, datetime, timedelta

# What any database and any zone can hold.
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FOREVER = datetime(9999, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


def floor_hour(instant: datetime) -> datetime:
    return instant.replace(minute=0, second=0, microsecond=0)


def floor_day(instant: datetime) -> datetime:
    """The beginning of the UTC day."""
    return instant.replace(hour=0, minute=0, second=0, microsecond=0)


def floor_month(instant: datetime) -> datetime:
    """The beginning of the UTC month."""
    return floor_day(instant).replace(day=1)


def micros(instant: datetime) -> int:
    """The whole microseconds from EPOCH to `instant`, an aware datetime of any zone."""
    return (instant - EPOCH) // MICROSECOND


def from_micros(count: int) -> datetime:
    """The instant (UTC) so many microseconds after EPOCH."""
    return EPOCH + timedelta(microseconds=count)
