"""Instants and their hours, days and months: aware UTC datetimes in, aware UTC datetimes out."""

from datetime import UTC, date, datetime, timedelta, tzinfo

from records.instants import EPOCH as EPOCH
from records.instants import FOREVER as FOREVER
from records.instants import floor_day as floor_day
from records.instants import floor_hour as floor_hour
from records.instants import floor_month as floor_month

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def ceil_hour(instant: datetime) -> datetime:
    floor = floor_hour(instant)
    return floor if floor == instant else floor + HOUR


def ceil_day(instant: datetime) -> datetime:
    floor = floor_day(instant)
    return floor if floor == instant else floor + DAY


def ceil_month(instant: datetime) -> datetime:
    floor = floor_month(instant)
    return floor if floor == instant else (floor + 31 * DAY).replace(day=1)


def midnight(day: date, zone: tzinfo) -> datetime:
    """The instant at which `day` begins in `zone`, daylight saving time regarded."""
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)


def local_day(now: datetime, zone: tzinfo) -> tuple[datetime, datetime]:
    """The calendar day of `zone` that holds `now`, as [start, end)."""
    today = now.astimezone(zone).date()
    return midnight(today, zone), midnight(today + DAY, zone)


def local_week(now: datetime, zone: tzinfo) -> tuple[datetime, datetime]:
    """The ISO week of `zone`, from Monday, that holds `now`, as [start, end)."""
    today = now.astimezone(zone).date()
    monday = today - today.weekday() * DAY
    return midnight(monday, zone), midnight(monday + 7 * DAY, zone)


def local_month(now: datetime, zone: tzinfo) -> tuple[datetime, datetime]:
    """The calendar month of `zone` that holds `now`, as [start, end)."""
    first = now.astimezone(zone).date().replace(day=1)
    return midnight(first, zone), midnight((first + 31 * DAY).replace(day=1), zone)
