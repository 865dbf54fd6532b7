from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from monitor.origin_database.likeness import likeness
from monitor.origin_database.pairing import MOST_OPEN, SKEW, WINDOW, ToolUse, calls

START = datetime(2025, 10, 20, 10, tzinfo=UTC)


def use(id, seconds=0.0, success=None, likeness="make"):
    return ToolUse(id, START + timedelta(seconds=seconds), success, likeness)


def ids(rows):
    """The calls as (id of the start, id of the end)."""
    return {(c.start and c.start.id, c.end and c.end.id) for c in calls(rows)}


class TestCalls:
    def test_a_start_and_its_end_are_one_call(self):
        assert ids([use(1), use(2, 3, True)]) == {(1, 2)}

    def test_an_abandoned_start_of_the_same_command_is_passed_over(self):
        assert ids([use(1), use(2, 5), use(3, 7, False)]) == {(1, None), (2, 3)}

    def test_calls_side_by_side_each_have_their_end(self):
        assert ids([use(1), use(2, 1), use(3, 2, True), use(4, 3, True)]) == {(2, 3), (1, 4)}

    def test_an_end_without_a_start_is_a_call_of_its_own(self):
        assert ids([use(1, 0, True), use(2, 9, True)]) == {(None, 1), (None, 2)}

    def test_other_parameters_are_another_call(self):
        assert ids([use(1), use(2, 1, True, "test")]) == {(1, None), (None, 2)}

    def test_ten_minutes_are_the_longest_call(self):
        assert ids([use(1), use(2, 600, True)]) == {(1, 2)}
        assert ids([use(1), use(2, 600.1, True)]) == {(1, None), (None, 2)}

    def test_a_second_of_skew_is_allowed(self):
        assert ids([use(1, 1), use(2, 0, True)]) == {(1, 2)}
        assert ids([use(1, 1.1), use(2, 0, True)]) == {(1, None), (None, 2)}

    def test_a_true_start_goes_before_one_that_skew_made_later(self):
        assert ids([use(1, 0), use(2, 5.5), use(3, 5, True)]) == {(1, 3), (2, None)}

    def test_a_start_written_after_its_end_finds_it(self):
        assert ids([use(1, 1, True), use(2, 0.5)]) == {(2, 1)}

    def test_a_start_after_an_end_is_the_next_call(self):
        assert ids([use(1, 1, True), use(2, 1.5)]) == {(None, 1), (2, None)}

    def test_the_row_written_first_names_the_call(self):
        (call,) = calls([use(1, 1, True), use(2, 0.5)])
        assert call.first.id == 1

    def test_what_waits_does_not_grow_without_end(self):
        rows = [use(id, likeness=id) for id in range(MOST_OPEN + 10)]
        first = next(calls(rows))
        assert first.first.id == 0
        assert len(ids(rows)) == len(rows)


ROWS = st.lists(
    st.tuples(
        st.floats(-2, 400), st.sampled_from([None, None, True, False]), st.sampled_from("ab")
    ),
    max_size=30,
)


def in_order(steps):
    rows, seconds = [], 0.0
    for id, (step, success, alike) in enumerate(steps, 1):
        seconds += step
        rows.append(use(id, seconds, success, alike))
    return rows


class TestAnyRows:
    @given(ROWS)
    def test_every_row_is_in_exactly_one_call(self, steps):
        rows = in_order(steps)
        found = [row.id for call in calls(rows) for row in call.rows]
        assert sorted(found) == [row.id for row in rows]

    @given(ROWS)
    def test_a_call_has_a_start_and_an_end_that_belong_together(self, steps):
        for call in calls(in_order(steps)):
            assert call.start or call.end
            assert call.start is None or call.start.success is None
            assert call.end is None or call.end.success is not None
            if call.start and call.end:
                assert call.start.likeness == call.end.likeness
                assert -SKEW <= call.end.at - call.start.at <= WINDOW

    @given(ROWS)
    def test_no_nearer_start_is_left_alone(self, steps):
        found = list(calls(in_order(steps)))
        alone = [call.start for call in found if call.start and not call.end]
        for call in found:
            if call.start and call.end and call.start.id < call.end.id:
                assert not [
                    other
                    for other in alone
                    if other.likeness == call.end.likeness
                    and other.id < call.end.id
                    and call.start.at < other.at <= call.end.at
                ]

    @given(ROWS)
    def test_what_is_paired_stays_paired_when_rows_follow(self, steps):
        rows = in_order(steps)
        whole = {call for call in ids(rows) if None not in call}
        for length in range(len(rows)):
            assert {call for call in ids(rows[:length]) if None not in call} <= whole


class TestLikeness:
    def like(self, one, other):
        return likeness("a", "Bash", one) == likeness("a", "Bash", other)

    def test_the_order_of_keys_does_not_matter(self):
        assert self.like({"a": 1, "b": [2]}, {"b": [2], "a": 1})

    def test_texts_that_writers_cut_at_other_lengths_are_alike(self):
        text = "x" * 1000
        assert self.like({"command": text[:500]}, {"command": text[:200] + "..."})
        assert self.like({"edits": [{"new": text[:500]}]}, {"edits": [{"new": text[:200] + "..."}]})

    def test_what_one_writer_took_out_is_alike(self):
        assert self.like({"api_key": "abc"}, {"api_key": "<redacted>"})
        assert self.like({"url": "<redacted>"}, {"url": "[REDACTED]"})

    def test_other_values_are_not_alike(self):
        assert not self.like({"command": "make"}, {"command": "make test"})
        assert not self.like({"command": "make"}, {"command": "make", "timeout": 5})
        assert not self.like({}, {"command": "make"})

    def test_another_tool_or_id_is_not_alike(self):
        assert likeness("a", "Bash", {}) != likeness("a", "Read", {})
        assert likeness("a", "Bash", {}) != likeness("b", "Bash", {})

    def test_what_lies_too_deep_does_not_tell(self):
        deep, deeper = {}, {}
        for _ in range(30):
            deep, deeper = {"a": deep}, {"a": deeper or 1}
        assert self.like(deep, deeper)

    def test_half_of_a_sign_can_be_digested(self):
        assert self.like({"a\ud800": "b\ud800"}, {"a\ud800": "b\ud800"})
