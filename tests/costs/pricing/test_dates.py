"""A request costs what its day says."""

from datetime import datetime, timedelta, timezone
from decimal import Decimal

import pytest

from costs.pricing import Tokens
from tests.costs.pricing.cast import MILLION, day, dollars, row_of


class TestDates:
    @pytest.mark.parametrize(
        ("model", "at", "prompt", "row"),
        [
            ("claude-sonnet-5-5", "2026-10-06T23:59:59", 1, "claude-sonnet-5-5 2026-09-28"),
            ("claude-sonnet-5-5", "2026-10-07", 1, "claude-sonnet-5-5 2026-10-07"),
            ("claude-sonnet-5-5", "2026-09-27", 1, None),
            ("claude-haiku-5-5", "2026-10-06", 1, None),
            ("claude-haiku-5-5", "2026-10-07", 1, "claude-haiku-5-5 2026-10-07"),
            ("claude-opus-4-6", "2026-03-12", 200_001, "claude-opus-4-6 2026-02-05 >200000"),
            ("claude-opus-4-6", "2026-03-13", 200_001, "claude-opus-4-6 2026-02-05"),
            ("claude-sonnet-4-6", "2026-03-12", 200_001, "claude-sonnet-4-6 2026-02-01 >200000"),
            ("claude-sonnet-4-6", "2026-03-13", 200_001, "claude-sonnet-4-6 2026-02-01"),
            ("claude-3-opus", "2024-03-01", 1, "claude-3-opus"),
            ("sonnet", "2025-08-01", 1, "sonnet"),
        ],
    )
    def test_a_request_is_priced_by_the_row_of_its_day(
        self, model: str, at: str, prompt: int, row: str | None
    ) -> None:
        assert row_of(model, day(at), prompt) == row

    def test_the_read_of_a_million_tokens_is_halved_overnight(self) -> None:
        read = Tokens(cache_read=MILLION)
        assert dollars("claude-sonnet-5-5", read, day("2026-10-06")) == Decimal("0.2")
        assert dollars("claude-sonnet-5-5", read, day("2026-10-07")) == Decimal("0.1")

    def test_days_are_cut_in_utc(self) -> None:
        evening = datetime(2026, 10, 6, 20, tzinfo=timezone(timedelta(hours=-7)))
        assert row_of("claude-sonnet-5-5", evening) == "claude-sonnet-5-5 2026-10-07"
