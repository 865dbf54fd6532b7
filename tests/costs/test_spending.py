import re
from dataclasses import astuple
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from costs import ledger
from costs.instants import DAY, HOUR
from costs.spending import Filter, Spending
from costs.totals import Spend, Totals
from costs.usage import Usage
from costs.windows import EPOCH, FOREVER
from tests.costs.brute import at

NANO = 10**9


def request(hours, dollars=1, **fields):
    given = {"user_id": "ann", "model": "haiku", "input_tokens": 1, "output_tokens": 1}
    return Usage(**given | {"cost": dollars, "timestamp": at(hours)} | fields)


def dollars(sums):
    return {name: spend.cost_nano / NANO for name, spend in sums.items()}


@pytest.fixture
def history(db):
    """Two days, of which the first is pruned and the second is sealed until 6 o'clock."""
    ledger.record_many(
        [
            request(1.5, 1, session_key="s1"),
            request(2.5, 2, user_id="bob", model="opus", request_type="code", source="bot"),
            request(25.5, 4, session_key="s1", request_type="code"),
            request(26.5, 8, user_id="bob", session_key="s2"),
            request(31.5, 16, model="opus", session_key="s2", source="bot"),
            request(32.5, 32, model="nameless", cost=None),
        ]
    )
    ledger.seal(at(30))
    list(ledger.prune(at(24)))


@pytest.mark.usefixtures("history")
class TestSpending:
    def test_without_a_filter_nothing_is_lost_to_pruning(self):
        spending = Spending(at(0), at(48))
        assert not spending.is_raw
        assert spending.bounds == (at(0), at(48))
        assert spending.totals == Totals(6, 31 * NANO, 6, 6)
        assert dollars(spending.by_model) == {"haiku": 13, "opus": 18, "nameless": 0}
        assert dollars(spending.by_user) == {"ann": 21, "bob": 10}
        assert dollars(spending.by_type) == {"chat": 25, "code": 6}

    def test_a_user_costs_what_the_rollups_say_and_what_they_do_not_say_is_blank(self):
        spending = Spending(at(0), at(48), Filter(user_id="ann"))
        assert not spending.is_raw
        assert spending.totals == Totals(4, 21 * NANO, 4, 4)
        assert dollars(spending.by_user) == {"ann": 21}
        assert dollars(spending.by_model) == {"": 1, "haiku": 4, "opus": 16, "nameless": 0}
        assert dollars(spending.by_type) == {"": 1, "code": 4, "chat": 16}

    def test_a_user_and_a_model_are_known_by_whole_months(self):
        ever = Spending(EPOCH, FOREVER, Filter(user_id="ann", model="haiku"))
        assert not ever.is_raw
        assert ever.bounds == (EPOCH, FOREVER)
        assert ever.totals == Totals(2, 5 * NANO, 2, 2)
        assert dollars(ever.by_type) == {"": 5}
        assert dollars(dict(ever.by_session(5))) == {"s1": 4}
        month = [at(hours) for hours in (-23 * 24, 0, 8 * 24)]
        assert [dollars(sums) for sums in ever.series(month)] == [{"haiku": 5}, {}]

    def test_a_window_from_within_the_first_hour_of_a_pruned_month_holds_all_of_it(self):
        spending = Spending(at(-23 * 24 + 0.5), FOREVER, Filter(user_id="ann", model="haiku"))
        assert spending.bounds == (at(-23 * 24), FOREVER)
        assert dollars(spending.by_type) == {"": 5}
        assert spending.series([at(-23 * 24 + 0.5), FOREVER]) == [{"haiku": Spend(2, 5 * NANO)}]

    def test_the_models_of_a_user_are_known_of_whole_months(self):
        assert dollars(Spending(EPOCH, FOREVER, Filter(user_id="ann")).by_model) == {
            "haiku": 5,
            "opus": 16,
            "nameless": 0,
        }
        assert dollars(Spending(EPOCH, FOREVER, Filter(model="opus")).by_user) == {
            "ann": 16,
            "bob": 2,
        }

    def test_a_source_or_two_filters_are_known_as_far_back_as_records_are_kept(self):
        bot = Spending(at(0), at(48), Filter(source="bot"))
        both = Spending(at(0), at(48), Filter(user_id="ann", model="haiku"))
        assert bot.is_raw
        assert both.is_raw
        assert bot.bounds == both.bounds == (at(24), at(48))
        assert dollars(bot.by_user) == {"ann": 16}
        assert both.totals == Totals(1, 4 * NANO, 1, 1)

    def test_a_raw_window_that_is_pruned_is_empty(self):
        spending = Spending(at(0), at(3), Filter(source="bot"))
        assert spending.bounds == (at(3), at(3))
        assert spending.totals == Totals()
        assert spending.by_model == {}
        assert spending.series([at(0), at(3)]) == [{}]
        assert not spending.records

    def test_sessions_come_dearest_first_and_outlive_their_records(self):
        everything = Spending(EPOCH, FOREVER)
        assert dollars(dict(everything.by_session(5))) == {"s2": 24, "s1": 5}
        assert [key for key, _ in everything.by_session(1)] == ["s2"]
        assert dollars(dict(Spending(at(0), at(3)).by_session(5))) == {"s1": 1}

    def test_sessions_of_one_cost_come_by_their_keys(self):
        ledger.record_many([request(33, 24, session_key=key) for key in ("s4", "s0", "s3")])
        keys = [key for key, _ in Spending(EPOCH, FOREVER).by_session(4)]
        assert keys == ["s0", "s2", "s3", "s4"]

    def test_unpriced_models_come_with_their_requests(self):
        assert Spending(EPOCH, FOREVER).unpriced == [("nameless", 1)]
        assert Spending(EPOCH, FOREVER, Filter(user_id="bob")).unpriced == []

    def test_records_are_those_of_the_window_and_the_filter(self):
        assert Spending(at(26), at(32)).records.count() == 2
        assert Spending(at(0), at(48), Filter(request_type="code")).records.get().cost == 4

    def test_a_blank_name_is_a_filter_too(self):
        ledger.record_many([request(40, 64, user_id="eve", model="")])
        assert dollars(Spending(EPOCH, FOREVER, Filter(model="")).by_user) == {"eve": 64}


@pytest.mark.usefixtures("history")
class TestSeries:
    def test_each_bucket_holds_its_models(self):
        series = Spending(at(0), at(48)).series([at(0), at(12), at(26), at(48)])
        assert series == [
            {"haiku": Spend(1, NANO), "opus": Spend(1, 2 * NANO)},
            {"haiku": Spend(1, 4 * NANO)},
            {"haiku": Spend(1, 8 * NANO), "opus": Spend(1, 16 * NANO), "nameless": Spend(1, 0)},
        ]

    def test_a_pruned_hour_counts_where_it_begins(self):
        series = Spending(at(0), at(48)).series([at(hours) for hours in (1, 1.25, 1.6, 2, 2.5, 3)])
        assert [dollars(bucket) for bucket in series] == [{"haiku": 1}, {}, {}, {"opus": 2}, {}]

    def test_a_window_that_begins_within_a_pruned_hour_holds_all_of_it(self):
        spending = Spending(at(1.75), at(3))
        assert spending.totals.cost_nano == 3 * NANO
        assert [dollars(bucket) for bucket in spending.series([at(1.75), at(2), at(3)])] == [
            {"haiku": 1},
            {"opus": 2},
        ]

    def test_edges_beyond_the_window_find_nothing_there(self):
        series = Spending(at(25), at(26)).series([at(0), at(25), at(25.6), at(48), at(96)])
        assert [dollars(bucket) for bucket in series] == [{}, {"haiku": 4}, {}, {}]

    def test_no_edges_are_no_buckets(self):
        assert Spending(at(0), at(48)).series([]) == []
        assert Spending(at(0), at(48)).series([at(0)]) == []

    @pytest.mark.parametrize("only", [Filter(), Filter(user_id="ann"), Filter(source="api")])
    @pytest.mark.parametrize("width", [timedelta(minutes=7), HOUR, 11 * HOUR, 31 * DAY])
    def test_a_thousand_buckets_are_one_statement(self, only, width, django_assert_num_queries):
        edges = [at(0.1) + place * width for place in range(1001)]
        spending = Spending(edges[0], edges[-1], only)
        with django_assert_num_queries(3):  # the marks before and after it
            series = spending.series(edges)
        found = Totals(*map(sum, zip(*map(astuple, spending.by_model.values()), strict=True)))
        assert sum(spend.cost_nano for bucket in series for spend in bucket.values()) == (
            found.cost_nano
        )


READS = {
    "totals": lambda spending: spending.totals,
    "by_model": lambda spending: spending.by_model,
    "by_user": lambda spending: spending.by_user,
    "by_type": lambda spending: spending.by_type,
    "by_session": lambda spending: spending.by_session(20),
    "series": lambda spending: spending.series(
        [spending.start, *(at(24 * day) for day in range(1, 31)), spending.end]
    ),
}


@pytest.fixture
def month(db):
    """A sealed month with raw edges on either side."""
    ledger.record_many(
        [request(hours * 7, session_key=f"s{hours // 3}") for hours in range(30 * 24 // 7)]
    )
    ledger.seal(at(30 * 24 + 3))


@pytest.mark.parametrize("read", READS.values(), ids=READS.keys())
@pytest.mark.usefixtures("month")
class TestCost:
    @pytest.mark.parametrize(
        "only", [Filter(), Filter(user_id="ann"), Filter(model="haiku"), Filter("ann", "haiku")]
    )
    def test_a_part_is_one_statement_between_two_looks_at_the_marks(
        self, read, only, django_assert_num_queries
    ):
        spending = Spending(at(0.5), at(30 * 24 + 3.5), only)
        with django_assert_num_queries(3):
            read(spending)

    def test_without_a_filter_nothing_scans_a_table_that_grows(self, read):
        with CaptureQueriesContext(connection) as captured:
            read(Spending(at(0.5), at(30 * 24 + 3.5)))
        steps = [step for step in plan(captured) if "costs_" in step]
        assert len(steps) >= 3  # raw records, hours and days, or hours alone
        assert [step for step in steps if not served_by_an_index(step)] == []


@pytest.mark.django_db
@pytest.mark.skipif(connection.vendor != "postgresql", reason="of PostgreSQL's estimates")
def test_a_chart_is_taken_for_no_more_records_than_its_window_has():
    """Else all are read where there are many."""
    ledger.record_many([request(hours=number / 100, dollars=None) for number in range(20_000)])
    ledger.seal(at(199))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE costs_costrecord")
    hours = [at(hour) for hour in (197.5, 198, 199, 200)]
    with CaptureQueriesContext(connection) as captured:
        Spending(hours[0], hours[-1]).series(hours)
    statement = max((query["sql"] for query in captured), key=len)
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {statement}")
        steps = [step for (step,) in cursor.fetchall()]
    reads = [re.search(r"on costs_costrecord .*rows=(\d+)", step) for step in steps]
    assert 0 < max(int(read[1]) for read in reads if read) < 1_000, steps


def plan(captured: CaptureQueriesContext) -> list[str]:
    """The steps of the longest statement; on PostgreSQL, without a scan where there is a choice."""
    statement = max((query["sql"] for query in captured), key=len)
    explain = "EXPLAIN" if connection.vendor == "postgresql" else "EXPLAIN QUERY PLAN"
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(f"{explain} {statement}")
        return [row[-1].strip() for row in cursor.fetchall()]


def served_by_an_index(step: str) -> bool:
    """Sessions are walked in the order of their costs, until enough are found."""
    if "costs_sessionspan_dearest" in step:
        return True
    return step.startswith("SEARCH") or ("Seq Scan" not in step and connection.vendor != "sqlite")
