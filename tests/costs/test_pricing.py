import csv
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from hypothesis import given
from hypothesis import strategies as st

from costs.pricing import SHIPPED, Price, Tokens, price

NOVEMBER = datetime(2026, 11, 15, tzinfo=UTC)
MILLION = 1_000_000
with SHIPPED.open(encoding="utf-8", newline="") as prices:
    LINES = list(csv.DictReader(prices))
HEADER = "model,aliases,from,until,above,input,output,write_5m,write_1h,read,us,fast,note\n"


@pytest.fixture(autouse=True)
def only_the_shipped_rows(settings: Any) -> None:
    settings.PRICES_CSV = ""


def day(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def dollars(model: str, tokens: Tokens, at: datetime = NOVEMBER, **how: Any) -> Decimal:
    answer = price(model, tokens, at, **how)
    assert answer is not None
    return Decimal(answer.cost_nano).scaleb(-9)


def row_of(model: str, at: datetime = NOVEMBER, prompt: int = 1) -> str | None:
    answer = price(model, Tokens(input=prompt), at)
    return answer and answer.row


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


def own_file(folder: Path, rows: str, header: str = HEADER) -> str:
    path = folder / "own.csv"
    path.write_text(header + rows, encoding="utf-8")
    return str(path)


class TestOwnRows:
    def test_a_new_model_gets_a_price(self, settings: Any, tmp_path: Path) -> None:
        settings.PRICES_CSV = own_file(tmp_path, "Our-Model,ours,,,,1.5,2,0,0,0,,,leased\n")
        assert dollars("our-model", Tokens(input=MILLION, output=MILLION)) == Decimal("3.5")
        assert row_of("OURS") == "Our-Model"

    def test_an_own_row_stands_before_the_shipped_ones_from_its_day_on(
        self, settings: Any, tmp_path: Path
    ) -> None:
        settings.PRICES_CSV = own_file(tmp_path, "claude-sonnet-5-5,,2026-12-01,,,1,1,1,1,1,,,\n")
        assert row_of("claude-sonnet-5-5") == "claude-sonnet-5-5 2026-10-07"
        assert row_of("claude-sonnet-5-5", day("2026-12-01")) == "claude-sonnet-5-5 2026-12-01"

    def test_a_seller_may_have_a_price_of_its_own(self, settings: Any, tmp_path: Path) -> None:
        settings.PRICES_CSV = own_file(tmp_path, "vertex_ai/gpt-5,,,,,7,7,7,7,7,,,\n")
        assert row_of("vertex_ai/gpt-5") == "vertex_ai/gpt-5"
        assert row_of("gpt-5") == "gpt-5"

    def test_columns_that_may_be_blank_may_be_missing(self, settings: Any, tmp_path: Path) -> None:
        header = "\ufeffmodel,input,output,write_5m,write_1h,read\n"
        settings.PRICES_CSV = own_file(tmp_path, "m, 1 ,1,1,1,1\n\n", header)
        assert dollars("m", Tokens(input=MILLION)) == 1

    @pytest.mark.parametrize(
        ("rows", "cause"),
        [
            ("m,,,,,cheap,1,1,1,1,,,\n", "line 2: 'cheap' is not a number - at `$.input`"),
            ("m,,,,,-1,1,1,1,1,,,\n", "line 2: '-1' is not between 0 and 1000000"),
            ("m,,,,,NaN,1,1,1,1,,,\n", "line 2: 'NaN' is not between"),
            ("m,,,,,1e999999999,1,1,1,1,,,\n", "is not between"),
            ("m,,,,,1e-7,1,1,1,1,,,\n", "'1e-7' has more than six decimals"),
            ("m,,,,,1,1,1,1,,,,\n", "missing required field `read`"),
            (",,,,,1,1,1,1,1,,,\n", "missing required field `model`"),
            ("m,,,,,1,1,1,1,1,,,\nn,,,,,1,1,1,1,1,,,,,\n", "line 3: more fields than columns"),
            ("m,,7 Oct,,,1,1,1,1,1,,,\n", "`$.from`"),
            ("m,,2026-10-07,2026-10-07,,1,1,1,1,1,,,\n", "`until` is not after `from`"),
            ("m" * 81 + ",,,,,1,1,1,1,1,,,\n", "`$.model`"),
            ("m,,,,-5,1,1,1,1,1,,,\n", "`$.above`"),
            ("m,,,,,1,1,1,1,1,,,\nm,,,,,2,1,1,1,1,,,\n", "line 3: a second row for m"),
            ("m,x,,,,1,1,1,1,1,,,\nn,x,,,,1,1,1,1,1,,,\n", "line 3: the alias x is taken"),
            ("m,n,,,,1,1,1,1,1,,,\nn,,,,,1,1,1,1,1,,,\n", "line 3: a second row for n"),
            ('m,"x,,,,1,1,1,1,1,,,\n', "unexpected end of data"),
        ],
    )
    def test_a_bad_row_is_refused_with_its_place_and_cause(
        self, settings: Any, tmp_path: Path, rows: str, cause: str
    ) -> None:
        settings.PRICES_CSV = own_file(tmp_path, rows)
        with pytest.raises(ImproperlyConfigured) as refusal:
            price("gpt-5", Tokens(input=1), NOVEMBER)
        assert cause in str(refusal.value)
        assert settings.PRICES_CSV in str(refusal.value)

    def test_a_misspelt_column_is_refused(self, settings: Any, tmp_path: Path) -> None:
        header = "model,input,output,write_5m,write_1h,read,treshold\n"
        settings.PRICES_CSV = own_file(tmp_path, "m,1,1,1,1,1,200000\n", header)
        with pytest.raises(ImproperlyConfigured, match="unknown field `treshold`"):
            price("gpt-5", Tokens(input=1), NOVEMBER)

    def test_a_file_that_cannot_be_read_is_refused(self, settings: Any, tmp_path: Path) -> None:
        settings.PRICES_CSV = str(tmp_path / "missing.csv")
        with pytest.raises(ImproperlyConfigured, match=r"missing\.csv cannot be read"):
            price("gpt-5", Tokens(input=1), NOVEMBER)
        (tmp_path / "latin.csv").write_bytes(b"model\xff")
        settings.PRICES_CSV = str(tmp_path / "latin.csv")
        with pytest.raises(ImproperlyConfigured, match=r"latin\.csv cannot be read"):
            price("gpt-5", Tokens(input=1), NOVEMBER)
