"""Which end is taken for that of which start."""

from __future__ import annotations

from operator import itemgetter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sessions.hook_logs.pairing import NEVER, Half, Pairing, alike
from tests.sessions.hook_logs.writing import at


def half(line: int, seconds: float | None, tool: str = "Bash", **parameters: Any) -> Half:
    when = NEVER if seconds is None else at(seconds)
    return Half(when, line, tool, at(seconds or 0), alike(parameters))


def paired(starts: list[Half], *ends: Half) -> list[int | None]:
    """For each end the line of the start it took."""
    pairing = Pairing()
    for start in starts:
        assert pairing.begin(start) is None
    taken = map(pairing.finish, ends)
    return [start.line if start else None for start in taken]


class TestPairing:
    def test_an_end_takes_the_nearest_start_before_it(self) -> None:
        assert paired([half(1, 0), half(2, 5), half(3, 9)], half(1, 8), half(2, 10)) == [2, 3]

    def test_a_start_at_the_same_instant_is_before_it(self) -> None:
        assert paired([half(1, 0), half(2, 5)], half(1, 5)) == [2]

    def test_of_starts_at_one_instant_the_later_line_is_nearer(self) -> None:
        assert paired([half(1, 5), half(2, 5)], half(1, 6), half(2, 7)) == [2, 1]

    def test_a_start_of_another_tool_is_none(self) -> None:
        assert paired([half(1, 0, "Read")], half(1, 1, "Bash")) == [None]

    def test_each_start_is_taken_once(self) -> None:
        assert paired([half(1, 0)], half(1, 1), half(2, 2)) == [1, None]

    def test_equal_parameters_go_before_time(self) -> None:
        starts = [half(1, 0, command="ls"), half(2, 5, command="pwd"), half(3, 6)]
        ends = half(1, 8, command="ls"), half(2, 9, command="pwd")
        assert paired(starts, *ends) == [1, 2]

    def test_other_parameters_are_no_obstacle(self) -> None:
        assert paired([half(1, 0, a=1, b=2)], half(1, 1, a=1)) == [1]

    def test_secrets_and_the_order_of_keys_make_no_difference(self) -> None:
        one, other = {"a": 1, "api_key": "one"}, {"api_key": "other", "a": 1}
        assert alike(one) == alike(other) != alike({"a": 2, "api_key": "one"})

    @pytest.mark.parametrize(("late", "found"), [(4, [1]), (10, [1]), (10.5, [None])])
    def test_a_start_may_be_ten_seconds_late(self, late: float, found: list[int | None]) -> None:
        assert paired([half(1, late)], half(1, 0)) == found

    def test_of_late_starts_the_first_is_taken_and_none_where_one_is_in_time(self) -> None:
        assert paired([half(1, 3), half(2, 4)], half(1, 0)) == [1]
        assert paired([half(1, -50), half(2, 1)], half(1, 0)) == [1]

    def test_without_times_the_order_decides(self) -> None:
        starts = [half(1, None), half(2, None, "Read"), half(3, None)]
        ends = half(1, None), half(2, None), half(3, None, "Read")
        assert paired(starts, *ends) == [1, 3, 2]

    def test_where_one_side_has_no_times_the_order_decides_too(self) -> None:
        assert paired([half(1, 5), half(2, 9)], half(1, None), half(2, None)) == [1, 2]
        assert paired([half(1, None), half(2, None)], half(1, 5), half(2, 9)) == [1, 2]

    def test_a_start_with_a_time_is_nearer_than_one_without(self) -> None:
        assert paired([half(1, None), half(2, 4)], half(1, 5)) == [2]

    def test_an_end_that_came_first_is_found_by_its_start(self) -> None:
        pairing = Pairing()
        for end in (half(1, 0), half(2, 30), half(3, 40)):
            assert pairing.finish(end) is None
        assert pairing.begin(half(1, 25)) == half(2, 30)
        assert pairing.begin(half(2, 25)) == half(3, 40)
        assert pairing.begin(half(3, 25)) is None

    def test_what_waits_from_before_is_found(self) -> None:
        pairing = Pairing()
        pairing.wait(half(1, 0))
        pairing.stand_alone(half(1, 0, "Read"))
        assert pairing.awaits("Bash")
        assert not pairing.awaits("Read")
        assert pairing.finish(half(2, 5)) == half(1, 0)
        assert pairing.begin(half(2, 5, "Read")) == half(1, 0)


def logs() -> st.SearchStrategy[list[Half]]:
    """The lines of a log: some without a time, then others in the order of their times."""
    told = st.fixed_dictionaries({"tool": st.sampled_from(["Bash", "Read"])}, optional={"a": few})
    undated = st.lists(st.tuples(st.none(), told), max_size=4)
    dated = st.lists(st.tuples(st.integers(0, 60), told), max_size=8)
    return st.builds(
        lambda first, then: [
            half(line, seconds, **told)
            for line, (seconds, told) in enumerate([*first, *sorted(then, key=itemgetter(0))], 1)
        ],
        undated,
        dated,
    )


few = st.integers(1, 2)


class TestSteps:
    """Lines of both logs come in any order that keeps each log's own."""

    @given(starts=logs(), ends=logs(), turns=st.lists(st.booleans(), max_size=24))
    @settings(max_examples=500)
    def test_the_number_of_pairs_does_not_depend_on_the_steps(
        self, starts: list[Half], ends: list[Half], turns: list[bool]
    ) -> None:
        at_once = [start for start in paired(starts, *ends) if start]
        pairing, found = Pairing(), 0
        waiting = {True: list(starts), False: list(ends)}
        for turn in [*turns, *[True] * len(starts), *[False] * len(ends)]:
            if waiting[turn]:
                one = waiting[turn].pop(0)
                found += (pairing.begin(one) if turn else pairing.finish(one)) is not None
        assert found == len(at_once)
