"""The bars of the charts."""

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.tools.drawing import BARS, HEIGHT, LEAST, chart, slots
from sessions.durations import bucket
from sessions.statistics import Point

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]


class TestDrawing:
    def test_the_highest_bar_is_as_high_as_the_chart_and_the_least_is_seen(self) -> None:
        drawn = chart([Point(1_000, 500), Point(0, 0), Point(1, 1)])
        assert [bar.height for bar in drawn.bars] == [HEIGHT, 0, 1]
        assert [bar.bad_height for bar in drawn.bars] == [HEIGHT // 2, 0, 1]

    @given(st.lists(st.tuples(st.integers(0, 10**9), st.integers(0, 10**9)), max_size=40))
    def test_no_bar_leaves_the_chart_and_no_failures_their_calls(
        self, points: list[tuple[int, int]]
    ) -> None:
        drawn = chart([Point(max(pair), min(pair)) for pair in points])
        for bar in drawn.bars:
            assert 0 <= bar.bad_height <= bar.height <= HEIGHT
            assert bar.y + bar.height == bar.bad_y + bar.bad_height == HEIGHT
            assert bar.x + bar.width <= drawn.width

    @given(st.dictionaries(st.integers(0, 10**12).map(bucket), st.integers(1, 99), max_size=60))
    def test_slots_hold_every_call_in_few_bars_without_a_gap(self, durations: Any) -> None:
        found = slots(durations)
        assert sum(slot.calls for slot in found) == sum(durations.values())
        assert not found or LEAST <= len(found) <= BARS
        assert all(one.high == next_.low for one, next_ in itertools.pairwise(found))

    @pytest.mark.parametrize("ms", [0, 1, 9, 250, 5_000, 10**9])
    def test_one_duration_stands_among_empty_slots_as_wide_as_its_own(self, ms: int) -> None:
        found = slots({bucket(ms): 3})
        assert len(found) == LEAST
        assert [slot.calls for slot in found if slot.calls] == [3]

    def test_a_call_stands_in_the_slot_of_its_duration(self) -> None:
        slot = next(slot for slot in slots({bucket(5_000): 3, bucket(10): 1}) if slot.calls == 3)
        assert slot.low <= 5_000 <= slot.high
