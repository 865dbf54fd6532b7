from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from monitor.spend.edges import DAY, HOUR, MONTH, QUARTER, WEEK, starts, step_of

BERLIN = ZoneInfo("Europe/Berlin")


class TestEdges:
    def cut(self, first: datetime, end: datetime, step: Any, zone: Any = BERLIN) -> list[str]:
        found = list(starts(first, end, step, zone))
        assert found == sorted(set(found))
        return [f"{at.astimezone(zone):%Y-%m-%d %H:%M}" for at in found]

    def test_days_begin_at_midnight_of_the_zone(self) -> None:
        first = datetime(2026, 3, 28, 5, tzinfo=UTC)
        days = self.cut(first, first + timedelta(days=2), DAY)
        assert days == ["2026-03-28 00:00", "2026-03-29 00:00", "2026-03-30 00:00"]

    def test_an_hour_that_comes_twice_is_two_bars(self) -> None:
        first = datetime(2026, 10, 24, 23, 30, tzinfo=UTC)
        hours = self.cut(first, first + timedelta(hours=3), HOUR)
        assert [at[-5:] for at in hours] == ["01:00", "02:00", "02:00", "03:00"]

    def test_quarters_of_a_day_stay_on_the_clock_when_it_is_changed(self) -> None:
        first = datetime(2026, 3, 28, 22, tzinfo=UTC)
        quarters = self.cut(first, first + timedelta(hours=13), QUARTER)
        assert [at[-5:] for at in quarters] == ["18:00", "00:00", "06:00", "12:00"]

    def test_hours_of_a_zone_off_the_hour(self) -> None:
        first = datetime(2026, 3, 28, 5, 45, tzinfo=UTC)
        hours = self.cut(first, first + timedelta(hours=1), HOUR, ZoneInfo("Asia/Kolkata"))
        assert [at[-5:] for at in hours] == ["11:00", "12:00"]

    def test_weeks_begin_on_monday_and_months_on_the_first(self) -> None:
        first, end = datetime(2026, 3, 29, 12, tzinfo=UTC), datetime(2026, 4, 2, tzinfo=UTC)
        assert self.cut(first, end, WEEK) == ["2026-03-23 00:00", "2026-03-30 00:00"]
        assert self.cut(first, end, MONTH) == ["2026-03-01 00:00", "2026-04-01 00:00"]

    @given(
        st.datetimes(datetime(1970, 1, 1), datetime(9998, 12, 31), timezones=st.just(UTC)),
        st.datetimes(datetime(1970, 1, 1), datetime(9998, 12, 31), timezones=st.just(UTC)),
        st.sampled_from([UTC, BERLIN, ZoneInfo("Pacific/Auckland"), ZoneInfo("America/New_York")]),
    )
    def test_the_bars_of_all_time_hold_it_and_are_not_many(
        self, one: datetime, other: datetime, zone: Any
    ) -> None:
        first, last = sorted((one, other))
        step = step_of("all", first, last)
        found = list(starts(first, last + timedelta(microseconds=1), step, zone))
        assert found == sorted(set(found))
        assert found[0] <= first
        assert 1 <= len(found) <= 125
