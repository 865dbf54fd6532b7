"""How a model may be spelt."""

import pytest

from costs.pricing import Tokens, price
from tests.costs.pricing.cast import LINES, MILLION, NOVEMBER, day, row_of


class TestNames:
    @pytest.mark.parametrize(
        ("spelling", "model"),
        [
            ("Claude-Opus-4-6", "claude-opus-4-6"),
            ("claude-opus-4-6[1m]", "claude-opus-4-6"),
            ("claude-opus-4-6-20260205", "claude-opus-4-6"),
            ("claude-opus-4-6-20260205[1m]", "claude-opus-4-6"),
            ("claude-opus-4-5@20251101", "claude-opus-4-5"),
            ("claude-sonnet-4.5", "claude-sonnet-4-5"),
            ("claude-3.5-sonnet", "claude-3-5-sonnet"),
            ("claude-3-5-sonnet-20241022", "claude-3-5-sonnet"),
            ("anthropic/claude-sonnet-4.5", "claude-sonnet-4-5"),
            ("openrouter/anthropic/claude-haiku-4.5", "claude-haiku-4-5"),
            ("us.anthropic.claude-sonnet-4-5-20250929-v1:0", "claude-sonnet-4-5"),
            ("bedrock/anthropic.claude-3-haiku-20240307-v1:0", "claude-3-haiku"),
            ("vertex_ai/claude-opus-4-1@20250805", "claude-opus-4-1"),
            ("gemini/gemini-4-argon", "gemini-4-argon"),
            ("gemini/gemini-2.5-pro", "gemini-2.5-pro"),
            ("openai/gpt-5.1-2025-11-13", "gpt-5.1"),
            ("gpt-5-mini-2025-08-07", "gpt-5-mini"),
            ("claude-opus-4-20250514", "claude-opus-4"),
            ("claude-4-opus-20250514", "claude-opus-4"),
            ("claude-sonnet-4-20250514", "claude-sonnet-4"),
            ("opus[1m]", "opus"),
            *((alias, line["model"]) for line in LINES for alias in line["aliases"].split()),
        ],
    )
    @pytest.mark.parametrize("prompt", [1, 300_000])
    def test_a_spelling_is_priced_as_its_model(
        self, spelling: str, model: str, prompt: int
    ) -> None:
        assert row_of(model, prompt=prompt) is not None
        assert row_of(spelling, prompt=prompt) == row_of(model, prompt=prompt)

    @pytest.mark.parametrize("line", LINES, ids=lambda line: line["model"])
    def test_a_model_is_found_by_its_own_name(self, line: dict[str, str]) -> None:
        at = day(line["from"] or "2026-01-01")
        row = row_of(line["model"], at, int(line["above"] or 0) + 1)
        assert row is not None
        assert row.split()[0] == line["model"]

    def test_a_name_that_begins_another_is_not_mistaken_for_it(self) -> None:
        assert row_of("claude-sonnet-4", prompt=MILLION) == "claude-sonnet-4 2025-05-01 >200000"
        assert row_of("claude-opus-4") == "claude-opus-4 2025-05-01"
        assert row_of("gpt-5") == "gpt-5"

    @pytest.mark.parametrize(
        "name",
        [
            "",
            " ",
            "gpt-5-pro",
            "gpt-5.1-codex-max",
            "claude",
            "claude-opus",
            "claude-sonnet-4-",
            "claude-sonnet-4-9",
            "claude-sonnet-4-5-turbo",
            "claude-opus-4-6-2026",
            "claude-opus-4-6[2m]",
            "claude-opus-4-6\n",
            "claude-opus-4-6\x00",
            "elsewhere/claude-opus-4-6",
            "anthropic/",
            "us.anthropic.",
            "-20250514",
            "[1m]",
            "__proto__",
            "__class__",
            "x" * 10_000,
            "anthropic/" * 1_000,
            "-v1" * 3_000,
            "claude-opus-4-6" * 700,
            "ⅽlaude-opus-4-6",
            "claude-opus-4-6-٢٠٢٥0514",
            "\ud800",
        ],
        ids=lambda name: ascii(name)[:40],
    )
    def test_an_unknown_name_has_no_price(self, name: str) -> None:
        assert price(name, Tokens(input=1), NOVEMBER, web_searches=1) is None
