from __future__ import annotations

from collections import Counter
from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessions.durations import bounds, bucket, nearest_rank, packed, quantile, unpacked, value

YEARS = 10**12  # ms; more than any call takes
BOUND = 0.008

durations = st.integers(0, 200) | st.integers(0, 10**6) | st.integers(0, YEARS)
quantiles = st.sampled_from([0.0, 0.01, 0.07, 0.5, 0.9, 0.95, 0.99, 1.0])


class TestBucket:
    @pytest.mark.parametrize(
        ("ms", "number"), [(0, 0), (1, 1), (127, 127), (128, 128), (129, 128), (130, 129)]
    )
    def test_it_numbers_them_from_the_shortest(self, ms: int, number: int) -> None:
        assert bucket(ms) == number

    def test_a_doubling_is_64_buckets(self) -> None:
        assert [bucket(128 << n) for n in range(30)] == [128 + 64 * n for n in range(30)]

    @given(durations, durations)
    def test_a_longer_duration_is_never_in_a_lower_one(self, one: int, other: int) -> None:
        shorter, longer = sorted([one, other])
        assert bucket(shorter) <= bucket(longer)

    def test_a_negative_duration_is_refused(self) -> None:
        with pytest.raises(ValueError, match="not negative: -1"):
            bucket(-1)


class TestBounds:
    @given(durations)
    def test_they_hold_what_is_in_the_bucket(self, ms: int) -> None:
        low, high = bounds(bucket(ms))
        assert low <= ms < high

    @given(st.integers(0, 2500))
    def test_the_next_bucket_begins_where_one_ends(self, number: int) -> None:
        low, high = bounds(number)
        assert bounds(number + 1)[0] == high
        assert bucket(low) == bucket(high - 1) == number


class TestValue:
    @given(durations)
    def test_it_is_near_every_duration_in_the_bucket(self, ms: int) -> None:
        assert abs(value(bucket(ms)) - ms) <= BOUND * ms

    @given(st.integers(0, 127))
    def test_it_is_exact_for_short_ones(self, ms: int) -> None:
        assert value(bucket(ms)) == ms


class TestQuantile:
    @given(st.lists(durations, min_size=1), quantiles)
    def test_it_is_near_the_exact_one(self, values: list[int], q: float) -> None:
        exact, told = nearest_rank(sorted(values), q), quantile(Counter(map(bucket, values)), q)
        assert exact is not None
        assert told is not None
        assert abs(told - exact) <= BOUND * exact

    def test_of_none_there_is_none(self) -> None:
        assert quantile({}, 0.5) is None

    def test_empty_buckets_do_not_count(self) -> None:
        assert quantile({3: 0, 5: 1, 7: 0}, 0.0) == quantile({3: 0, 5: 1, 7: 0}, 1.0) == 5


class TestNearestRank:
    @pytest.mark.parametrize(
        ("values", "q", "expected"),
        [
            ([15, 20, 35, 40, 50], 0.05, 15),
            ([15, 20, 35, 40, 50], 0.3, 20),
            ([15, 20, 35, 40, 50], 0.4, 20),
            ([15, 20, 35, 40, 50], 0.5, 35),
            ([15, 20, 35, 40, 50], 1.0, 50),
            ([1, 2], 0.5, 1),
            ([7], 0.0, 7),
            (range(1, 101), 0.07, 7),  # as floats 0.07 · 100 is more than 7
            (range(1, 101), 0.95, 95),
        ],
    )
    def test_it_is_the_value_at_that_rank(self, values: list[int], q: float, expected: int) -> None:
        assert nearest_rank(values, q) == expected

    @given(st.lists(durations, min_size=1), st.integers(1, 100))
    def test_that_share_of_the_values_is_no_greater(self, values: list[int], percent: int) -> None:
        found = nearest_rank(sorted(values), percent / 100)
        assert found in values
        rank = ceil(percent * len(values) / 100)
        assert sum(value < found for value in values) < rank <= sum(v <= found for v in values)

    def test_of_none_there_is_none(self) -> None:
        assert nearest_rank([], 0.5) is None

    @pytest.mark.parametrize("q", [-0.1, 1.1, 95])
    def test_a_quantile_outside_of_one_is_refused(self, q: float) -> None:
        with pytest.raises(ValueError, match="lies in 0…1"):
            nearest_rank([1], q)


class TestPacked:
    @given(st.dictionaries(st.integers(0, 2_500), st.integers(0, 10**9)))
    def test_it_comes_back_without_empty_buckets(self, counts: dict[int, int]) -> None:
        assert unpacked(packed(counts)) == {number: n for number, n in counts.items() if n}

    @given(st.dictionaries(st.integers(0, 2_500), st.integers(0, 9)))
    def test_equal_histograms_are_stored_alike(self, counts: dict[int, int]) -> None:
        backwards = dict(reversed(counts.items()))
        assert packed(backwards) == packed(counts)

    def test_none_takes_no_byte(self) -> None:
        assert packed({}) == packed({7: 0}) == b""
