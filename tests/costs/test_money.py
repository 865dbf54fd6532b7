from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costs.money import MAX_COST, NANO, from_nano, to_nano

nanos = st.integers(0, int(MAX_COST) * NANO)


class TestNanoDollars:
    @given(nanos)
    def test_every_amount_survives_the_way_to_dollars_and_back(self, nano):
        assert to_nano(from_nano(nano)) == nano

    @given(st.lists(nanos, max_size=20))
    def test_sums_agree_in_both_units(self, amounts):
        assert sum(map(from_nano, amounts), Decimal(0)) == from_nano(sum(amounts))

    @pytest.mark.parametrize(
        ("dollars", "nano"),
        [
            ("0", 0),
            ("0.0000000005", 0),
            ("0.0000000015", 2),
            ("0.0000000025", 2),
            ("0.00000000250000000000000000000000001", 3),
            ("21.030668400000003", 21_030_668_400),
            ("1e-400", 0),
            ("1000000", 10**15),
        ],
    )
    def test_it_rounds_half_to_even(self, dollars, nano):
        assert to_nano(Decimal(dollars)) == nano

    @pytest.mark.parametrize(
        "text", ["NaN", "sNaN", "Infinity", "-Infinity", "-1", "1e30", "1e999999"]
    )
    def test_it_refuses_what_is_no_amount(self, text):
        with pytest.raises(ValueError, match="amount"):
            to_nano(Decimal(text))
