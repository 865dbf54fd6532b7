from datetime import UTC, datetime, timedelta, timezone

import pytest

from monitor.templatetags.formatting import dollars, moment, money, number, percent, short, tokens


class TestMoney:
    @pytest.mark.parametrize(
        ("nano", "text"),
        [
            (0, "$0.00"),
            (1, "<$0.0001"),
            (99_999, "<$0.0001"),
            (100_000, "$0.0001"),
            (6_400_000, "$0.0064"),
            (9_999_999, "$0.0100"),
            (10_000_000, "$0.01"),
            (15_000_000, "$0.02"),
            (25_000_000, "$0.02"),
            (1_234_560_000_000, "$1,234.56"),
            (9_223_372_036_854_775_807, "$9,223,372,036.85"),
        ],
    )
    def test_it_is_short_but_never_nothing(self, nano: int, text: str) -> None:
        assert dollars(nano) == text

    def test_it_carries_the_exact_amount(self) -> None:
        assert money(1) == '<data value="0.000000001" title="$0.000000001">&lt;$0.0001</data>'


class TestTokens:
    @pytest.mark.parametrize(
        ("count", "text"),
        [
            (0, "0"),
            (999, "999"),
            (1_000, "1.00k"),
            (9_994, "9.99k"),
            (9_996, "10.0k"),
            (12_345, "12.3k"),
            (99_949, "99.9k"),
            (99_960, "100k"),
            (999_499, "999k"),
            (999_500, "1.00M"),
            (1_200_000, "1.20M"),
            (3_400_000_000, "3.40B"),
            (2**53, "9,007T"),
        ],
    )
    def test_it_shows_three_digits(self, count: int, text: str) -> None:
        assert short(count) == text

    def test_it_carries_the_exact_count(self) -> None:
        assert tokens(1_234_567) == '<data value="1234567" title="1,234,567">1.23M</data>'


class TestPlain:
    def test_a_number_has_separators(self) -> None:
        assert number(1_234_567) == "1,234,567"

    @pytest.mark.parametrize(
        ("share", "text"), [(None, "–"), (0.0, "0.0%"), (2 / 3, "66.7%"), (1.0, "100.0%")]
    )
    def test_a_share_has_one_decimal_and_may_be_missing(
        self, share: float | None, text: str
    ) -> None:
        assert percent(share) == text

    def test_a_moment_is_given_in_utc(self) -> None:
        local = datetime(2026, 3, 1, 1, 30, 5, tzinfo=timezone(timedelta(hours=2)))
        assert moment(local) == (
            '<time datetime="2026-02-28T23:30:05+00:00" data-moment>2026-02-28 23:30 UTC</time>'
        )
        assert moment(local.astimezone(UTC)) == moment(local)
