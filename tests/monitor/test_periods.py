from datetime import UTC, datetime, timedelta

import pytest

from costs.windows import EPOCH, FOREVER
from monitor.periods import RANGES, Period

NOW = datetime(2026, 3, 29, 12, 34, 56, 789, tzinfo=UTC)
MINUTE = datetime(2026, 3, 29, 12, 34, tzinfo=UTC)


class TestPeriod:
    @pytest.mark.parametrize(("text", "days"), [("24h", 1), ("7d", 7), ("30d", 30)])
    def test_it_reaches_back_from_the_minute_and_holds_the_current_one(
        self, text: str, days: int
    ) -> None:
        period = Period.parse(text, NOW)
        assert period.start == MINUTE - timedelta(days=days)
        assert period.end == MINUTE + timedelta(minutes=1)
        assert period.start < NOW < period.end

    def test_it_is_the_same_throughout_a_minute(self) -> None:
        last = MINUTE + timedelta(seconds=59, microseconds=999_999)
        assert Period.parse("24h", MINUTE) == Period.parse("24h", last)

    def test_all_holds_what_is_dated_in_the_future(self) -> None:
        period = Period.parse("all", NOW)
        assert (period.start, period.end) == (EPOCH, FOREVER)

    @pytest.mark.parametrize("text", ["", "24", "24H", " 7d", "1000000h", "全部", "7d\n"])
    def test_it_refuses_another_text_and_names_the_choices(self, text: str) -> None:
        with pytest.raises(ValueError, match="choose 24h, 7d, 30d, all"):
            Period.parse(text, NOW)

    def test_it_quotes_no_more_of_a_hostile_text_than_a_line_holds(self) -> None:
        with pytest.raises(ValueError, match=f"“{'x' * 20}”"):
            Period.parse("x" * 10_000, NOW)

    @pytest.mark.parametrize("text", ["24h", "7d", "30d"])
    def test_the_previous_one_is_as_long_and_ends_where_this_one_starts(self, text: str) -> None:
        period = Period.parse(text, NOW)
        previous = period.previous()
        assert previous is not None
        assert previous.end == period.start
        assert previous.end - previous.start == MINUTE - period.start

    def test_nothing_comes_before_all(self) -> None:
        assert Period.parse("all", NOW).previous() is None

    @pytest.mark.parametrize("text", RANGES)
    def test_its_buckets_are_few_enough_to_draw(self, text: str) -> None:
        period = Period.parse(text, NOW)
        assert period.bucket > timedelta(0)
        assert text == "all" or 24 <= (MINUTE - period.start) / period.bucket <= 30
