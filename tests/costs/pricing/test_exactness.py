"""To the nano-dollar, and rounded once."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from costs.pricing import Price, Tokens, price
from tests.costs.pricing.cast import LINES, MILLION, NOVEMBER, day, dollars, own_file


class TestExactness:
    def test_the_answer_names_its_row(self) -> None:
        answer = price("claude-haiku-5-5", Tokens(cache_write_5m=4), NOVEMBER)
        assert answer == Price(500, "claude-haiku-5-5 2026-10-07")

    def test_rounding_is_half_to_even_and_once_a_request(
        self, settings: Any, tmp_path: Path
    ) -> None:
        settings.PRICES_CSV = own_file(tmp_path, "m,,,,,0.0005,0.0005,0,0,0,,,\n")
        counts = [(1, 0), (3, 0), (5, 0), (1, 1)]
        paid = [dollars("m", Tokens(input=i, output=o)) for i, o in counts]
        assert paid == [Decimal(nano).scaleb(-9) for nano in (0, 2, 2, 1)]

    @given(
        line=st.sampled_from(LINES),
        counts=st.lists(
            st.integers(0, 2**53 - 1) | st.integers(0, 300_000), min_size=5, max_size=5
        ),
        at=st.integers(0, 3 * 365 * 86_400).map(lambda s: day("2024-01-01") + timedelta(seconds=s)),
        inference_geo=st.sampled_from(["", "us", "not_available"]),
        speed=st.sampled_from(["", "standard", "fast"]),
        web_searches=st.integers(0, 100),
    )
    def test_a_price_equals_the_sum_of_fractions(
        self,
        line: dict[str, str],
        counts: list[int],
        at: datetime,
        inference_geo: str,
        speed: str,
        web_searches: int,
    ) -> None:
        answer = price(
            line["model"],
            Tokens(*counts),
            at,
            inference_geo=inference_geo,
            speed=speed,
            web_searches=web_searches,
        )
        row = by_hand(line["model"], counts, at.date(), speed)
        if row is None:
            assert answer is None
            return
        columns = ("input", "output", "read", "write_5m", "write_1h")
        sums = (n * Fraction(row[column]) for n, column in zip(counts, columns, strict=True))
        cost = sum(sums, Fraction()) / MILLION
        if inference_geo == "us":
            cost *= Fraction(row["us"] or 1)
        if speed == "fast":
            cost *= Fraction(row["fast"] or 1)
        cost += Fraction(web_searches, 100)
        assert answer is not None
        assert answer.cost_nano == round(cost * 10**9)


def by_hand(model: str, counts: list[int], on: date, speed: str) -> dict[str, str] | None:
    """The row for a request, read off the lines of the file one by one."""
    prompt = sum(counts) - counts[1]
    chosen: dict[str, str] | None = None
    for line in LINES:
        begun = not line["from"] or date.fromisoformat(line["from"]) <= on
        ended = line["until"] and date.fromisoformat(line["until"]) <= on
        if line["model"] != model or not begun or ended:
            continue
        if line["above"] and prompt <= int(line["above"]):
            continue
        if line["above"] and speed == "fast" and chosen and chosen["fast"]:
            continue
        chosen = line
    return chosen
