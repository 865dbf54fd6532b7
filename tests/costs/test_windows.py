from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from costs import ledger, windows
from costs.instants import DAY, HOUR
from costs.pieces import cut, widened
from costs.usage import Usage
from costs.watermark import Watermark
from costs.windows import Spend, Totals
from tests.costs.brute import BASE, at

offsets = st.builds(
    lambda hours, micro: at(hours, micro),
    st.integers(-80, 80),
    st.sampled_from([0, 0, 1, -1, 1_800_000_000]),
)
marks = st.builds(
    lambda sealed, gap: Watermark(
        sealed, min(at(0, 0) + gap * HOUR, sealed.replace(minute=0, second=0, microsecond=0))
    ),
    offsets,
    st.integers(-80, 80),
)


def holds(span, instant):
    return span[0] <= instant < span[1]


class TestCut:
    @given(offsets, offsets, marks, offsets)
    def test_each_instant_of_the_window_falls_into_one_piece_and_no_other_into_any(
        self, start, end, mark, instant
    ):
        pieces = cut(start, end, mark)
        hour = instant.replace(minute=0, second=0, microsecond=0)
        day = hour.replace(hour=0)
        sealed = instant < mark.sealed_to
        found = (
            sum(holds(span, instant) for span in pieces.raw)
            + sum(sealed and holds(span, hour) for span in pieces.hours)
            + sum(sealed and holds(span, day) for span in pieces.days)
        )
        lower, upper = widened(start, end, mark)
        assert found == (start < end and lower <= instant < upper)

    @given(offsets, offsets, marks)
    def test_no_piece_reads_raw_rows_that_may_be_pruned(self, start, end, mark):
        assert all(span[0] >= mark.pruned_before for span in cut(start, end, mark).raw)

    @given(offsets, offsets, marks)
    def test_a_window_is_widened_to_the_hour_at_most_and_only_where_rows_are_pruned(
        self, start, end, mark
    ):
        lower, upper = widened(start, end, mark)
        assert timedelta(0) <= start - lower < HOUR
        assert timedelta(0) <= upper - end < HOUR
        assert start == lower or start < mark.pruned_before
        assert end == upper or end < mark.pruned_before

    def test_a_long_sealed_window_is_read_from_few_cells(self):
        pieces = cut(at(0.5), at(24 * 30 + 5.5), Watermark(sealed_to=at(24 * 30 + 5)))
        assert pieces.days == ((BASE + DAY, BASE + 30 * DAY),)
        assert pieces.hours == ((at(1), at(24)), (at(24 * 30), at(24 * 30 + 5)))
        assert pieces.raw == ((at(0.5), at(1)), (at(24 * 30 + 5), at(24 * 30 + 5.5)))


@pytest.mark.django_db
class TestWindows:
    @pytest.fixture(autouse=True)
    def records(self):
        ledger.record_many(
            [
                Usage(
                    user_id=user,
                    model=model,
                    input_tokens=10,
                    output_tokens=2,
                    cache_read_tokens=3,
                    cost=1,
                    timestamp=at(hours),
                )
                for user, model, hours in [
                    ("ann", "opus", 1),
                    ("ann", "haiku", 30),
                    ("bob", "haiku", 60),
                ]
            ]
        )
        ledger.seal(at(50))

    def test_an_empty_ledger_or_window_is_zero(self):
        assert windows.spend(at(5), at(5)) == Spend()
        assert windows.totals(at(9), at(2)) == Totals()
        assert windows.by_model(at(100), at(200)) == {}
        assert windows.spend(at(100), at(200), user_id="nobody") == Spend()

    def test_all_time_holds_everything_even_what_is_dated_in_the_future(self):
        ledger.record_usage(
            user_id="ann", model="x", input_tokens=0, output_tokens=0, cost=1, timestamp=at(10**6)
        )
        assert windows.spend(windows.EPOCH, windows.FOREVER) == Spend(4, 4 * 10**9)

    def test_it_groups_by_model_and_by_user(self):
        assert windows.by_model(at(0), at(61)) == {
            "opus": Totals(1, 10**9, 10, 2, 3),
            "haiku": Totals(2, 2 * 10**9, 20, 4, 6),
        }
        assert windows.by_user(at(0), at(60)) == {"ann": Totals(2, 2 * 10**9, 20, 4, 6)}

    def test_it_groups_by_type_and_ranks_sessions(self):
        ledger.record_usage(
            user_id="ann",
            model="opus",
            input_tokens=0,
            output_tokens=0,
            request_type="code",
            cost=5,
            timestamp=at(2),
            session_key="s",
        )
        assert windows.by_type(at(0), at(50)) == {
            "chat": Totals(2, 2 * 10**9, 20, 4, 6),
            "code": Totals(1, 5 * 10**9),
        }
        assert windows.by_session(at(0), at(50), 9) == [("s", Totals(1, 5 * 10**9))]

    def test_it_narrows_to_one_user_or_one_model_but_not_both(self):
        assert windows.totals(at(0), at(61), user_id="bob") == Totals(1, 10**9, 10, 2, 3)
        assert windows.spend(at(0), at(61), model="haiku") == Spend(2, 2 * 10**9)
        with pytest.raises(ValueError, match="one user or of one model"):
            windows.spend(at(0), at(61), user_id="bob", model="haiku")

    def test_totals_count_every_kind_of_token(self):
        assert windows.totals(at(0), at(61)).tokens == 45

    def test_a_window_costs_three_short_statements(self, django_assert_num_queries):
        with django_assert_num_queries(3):
            windows.spend(at(0.5), at(60.5))

    def test_bounds_tell_when_a_pruned_edge_is_widened(self):
        list(ledger.prune(at(40)))
        assert windows.bounds(at(0.5), at(30.25)) == (at(0), at(31))
        assert windows.bounds(at(41.5), at(42.5)) == (at(41.5), at(42.5))
        assert windows.spend(at(1.5), at(29.5)) == Spend(1, 10**9)


@pytest.mark.skipif(connection.vendor != "sqlite", reason="reads SQLite's plans")
@pytest.mark.django_db
class TestPlans:
    @pytest.mark.parametrize(
        "read",
        [
            windows.spend,
            windows.totals,
            windows.by_model,
            windows.by_user,
            windows.by_type,
            lambda *window: windows.spend(*window, user_id="ann"),
            lambda *window: windows.totals(*window, model="haiku"),
        ],
    )
    def test_no_window_scans_a_table_that_grows(self, read):
        ledger.seal(at(24 * 30 + 3))
        with CaptureQueriesContext(connection) as captured:
            read(at(0.5), at(24 * 30 + 3.5))
        statement = max((query["sql"] for query in captured), key=len)
        with connection.cursor() as cursor:
            plan = [row[3] for row in cursor.execute(f"EXPLAIN QUERY PLAN {statement}").fetchall()]
        steps = [step for step in plan if "costs_" in step]
        assert len(steps) == 5  # raw edge, hours, days, hours, raw tail
        assert [step for step in steps if not step.startswith("SEARCH")] == []
