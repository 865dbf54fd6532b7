"""Rows of one's own, and what is refused of them."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from costs.pricing import Tokens, price
from tests.costs.pricing.cast import MILLION, NOVEMBER, day, dollars, own_file, row_of


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
