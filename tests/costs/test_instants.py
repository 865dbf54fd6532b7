from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costs import instants

ZONES = [
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "America/Havana",  # sets its clocks at midnight
    "America/Santiago",
    "Africa/Cairo",
    "Asia/Beirut",
    "Asia/Kathmandu",  # off the whole hour
    "Australia/Lord_Howe",  # moves by half an hour
    "Pacific/Apia",  # once skipped a whole day
]
moments = st.datetimes(
    min_value=datetime(2005, 1, 1),
    max_value=datetime(2037, 12, 31),
    timezones=st.just(UTC),
)
zones = st.sampled_from(ZONES).map(ZoneInfo)


class TestCalendarWindows:
    @given(moments, zones)
    def test_the_local_day_holds_just_the_instants_of_its_date(self, now, zone):
        start, end = instants.local_day(now, zone)
        assert start <= now < end
        day = now.astimezone(zone).date()
        assert (
            start.astimezone(zone).date()
            == (end - timedelta(microseconds=1)).astimezone(zone).date()
            == day
        )
        assert (start - timedelta(microseconds=1)).astimezone(zone).date() < day
        assert end.astimezone(zone).date() > day

    @given(moments, zones)
    def test_the_local_month_begins_and_ends_with_a_first_day(self, now, zone):
        start, end = instants.local_month(now, zone)
        assert start <= now < end
        inside = {
            (instant.astimezone(zone).year, instant.astimezone(zone).month)
            for instant in (start, now, end - timedelta(microseconds=1))
        }
        assert len(inside) == 1
        assert start.astimezone(zone).day == end.astimezone(zone).day == 1

    @given(moments, zones)
    def test_the_local_week_begins_on_a_monday(self, now, zone):
        start, end = instants.local_week(now, zone)
        assert start <= now < end
        assert start.astimezone(zone).weekday() == end.astimezone(zone).weekday() == 0

    @pytest.mark.parametrize(("day", "hours"), [(30, 23), (29, 24)])
    def test_a_day_is_as_long_as_the_clocks_make_it(self, day, hours):
        noon = datetime(2025, 3, day, 12, tzinfo=UTC)
        start, end = instants.local_day(noon, ZoneInfo("Europe/Berlin"))
        assert end - start == timedelta(hours=hours)


class TestFloors:
    @given(moments)
    def test_the_ceiling_is_the_floor_or_one_span_later(self, now):
        for floor, ceil, span in [
            (instants.floor_hour, instants.ceil_hour, instants.HOUR),
            (instants.floor_day, instants.ceil_day, instants.DAY),
        ]:
            assert floor(now) <= now <= ceil(now)
            assert ceil(now) - floor(now) in (timedelta(0), span)
            assert floor(floor(now)) == ceil(floor(now)) == floor(now)
