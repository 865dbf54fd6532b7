"""Rates, and the higher ones of a long prompt."""

from decimal import Decimal
from typing import Any

import pytest

from costs.pricing import Tokens
from tests.costs.pricing.cast import MILLION, day, dollars, row_of


class TestWorkedExamples:
    @pytest.mark.parametrize(
        ("model", "tokens", "how", "expected"),
        [
            ("claude-haiku-5-5", Tokens(input=150_000, output=2_000), {}, "0.08"),
            ("claude-opus-4-6", Tokens(cache_write_1h=200_000), {}, "2"),
            ("claude-opus-4-6", Tokens(input=400_000), {"inference_geo": "us"}, "2.2"),
            ("claude-opus-4-6", Tokens(input=200_000), {"speed": "fast"}, "6"),
            ("claude-opus-4-6", Tokens(), {"web_searches": 3}, "0.03"),
            ("claude-opus-4-8", Tokens(input=MILLION, output=MILLION), {"speed": "fast"}, "60"),
            ("claude-opus-5-5", Tokens(input=MILLION, output=MILLION), {"speed": "fast"}, "48"),
            (
                "claude-opus-5",
                Tokens(input=MILLION),
                {"speed": "fast", "inference_geo": "us", "web_searches": 1},
                "11.01",
            ),
            ("gpt-5.4", Tokens(input=MILLION, output=MILLION), {}, "27.5"),
            ("gemini-4-argon", Tokens(input=MILLION, output=MILLION), {}, "12"),
        ],
    )
    def test_a_request_costs_what_the_list_says(
        self, model: str, tokens: Tokens, how: dict[str, Any], expected: str
    ) -> None:
        assert dollars(model, tokens, **how) == Decimal(expected)

    def test_every_kind_of_token_has_its_own_rate(self) -> None:
        kinds = [
            Tokens(input=MILLION),
            Tokens(output=MILLION),
            Tokens(cache_write_5m=MILLION),
            Tokens(cache_write_1h=MILLION),
            Tokens(cache_read=MILLION),
        ]
        paid = [dollars("claude-3-haiku", tokens) for tokens in kinds]
        assert paid == [Decimal(rate) for rate in ("0.25", "1.25", "0.3", "0.5", "0.03")]

    def test_the_record_of_a_bot_with_a_short_name_costs_what_the_bot_said(self) -> None:
        assert dollars("haiku", Tokens(input=1212, output=28)) == Decimal("0.0010816")


class TestTiers:
    @pytest.mark.parametrize(
        ("model", "threshold"),
        [
            ("claude-haiku-5-5", 100_000),
            ("claude-sonnet-4", 200_000),
            ("claude-sonnet-4-5", 200_000),
            ("gemini-2.5-pro", 200_000),
            ("gpt-5.6", 272_000),
        ],
    )
    def test_a_prompt_at_the_threshold_still_pays_the_low_rates(
        self, model: str, threshold: int
    ) -> None:
        low = row_of(model)
        assert row_of(model, prompt=threshold) == low
        assert row_of(model, prompt=threshold + 1) == f"{low} >{threshold}"

    def test_every_token_that_is_read_counts_as_prompt_and_none_that_is_written_out(self) -> None:
        quarters = Tokens(
            input=25_000, cache_read=25_000, cache_write_5m=25_000, cache_write_1h=25_000
        )
        assert quarters.prompt == 100_000
        assert dollars("claude-haiku-5-5", Tokens(output=MILLION)) == Decimal("0.5")

    def test_output_too_is_charged_at_the_higher_rate(self) -> None:
        long = Tokens(cache_read=100_001, output=MILLION)
        assert dollars("claude-haiku-5-5", long) == Decimal("2.50500005")

    def test_fast_mode_is_flat_over_the_whole_context(self) -> None:
        beta = day("2026-03-01")
        long = Tokens(input=400_000)
        assert dollars("claude-opus-4-6", long, beta) == 4
        assert dollars("claude-opus-4-6", long, beta, speed="fast") == 12

    def test_a_model_without_fast_mode_or_premium_pays_the_plain_price(self) -> None:
        long = Tokens(input=MILLION)
        assert dollars("claude-sonnet-4-5", long, speed="fast", inference_geo="us") == 6
        assert dollars("claude-sonnet-5", long, speed="standard", inference_geo="eu") == 2
