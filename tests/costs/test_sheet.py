"""One reading for many figures; test_spending_properties.py proves that they are right."""

import pytest

from costs import ledger
from costs.savings import saved
from costs.sheet import sheet
from costs.spending import Filter, Spending
from tests.costs.brute import at

EDGES = at(0), at(5.5), at(48)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def booked():
    for hour, model, kind in [(1, "opus", "chat"), (30, "haiku", "code"), (31, "opus", "code")]:
        fields = {"request_type": kind, "input_tokens": 1, "output_tokens": 1, "cost": 2}
        ledger.record_usage(user_id="ann", model=model, timestamp=at(hour), **fields)


class TestSheet:
    def test_all_breakdowns_come_of_one_reading(self, django_assert_num_queries):
        spending = Spending(EDGES[0], EDGES[-1], Filter(user_id="ann"), EDGES)
        with django_assert_num_queries(3):  # the marks before and after
            assert spending.totals.requests == 3
            assert {name: sums.requests for name, sums in spending.by_model.items()} == {
                "opus": 2,
                "haiku": 1,
            }
            assert spending.by_type.keys() == {"chat", "code"}
            assert spending.by_user == {"ann": spending.totals}
            assert [sorted(each) for each in spending.series(EDGES)] == [
                ["opus"],
                ["haiku", "opus"],
            ]
            assert saved(spending).saved_nano == 0

    def test_of_nothing_there_are_no_users(self):
        nobody = Spending(EDGES[0], EDGES[-1], Filter(user_id="bob"), EDGES)
        assert (nobody.by_user, nobody.totals.requests) == ({}, 0)

    def test_other_edges_are_asked_for_by_themselves(self):
        spending = Spending(EDGES[0], EDGES[-1], Filter(user_id="ann"), EDGES)
        assert [sorted(each) for each in spending.series([at(0), at(30.5)])] == [["haiku", "opus"]]

    def test_there_is_none_where_some_is_pruned(self):
        for _ in ledger.prune(at(2)):
            pass
        assert sheet(EDGES, {"user_id": "ann"}) is None
        assert sheet(EDGES[1:], {"user_id": "ann"}) is not None
        spending = Spending(EDGES[0], EDGES[-1], Filter(user_id="ann"), EDGES)
        assert {name: sums.requests for name, sums in spending.by_type.items()} == {
            "": 1,
            "code": 2,
        }

    def test_what_a_rollup_tells_is_not_read_from_the_records(self):
        for only in (Filter(), Filter(model="opus")):
            assert Spending(EDGES[0], EDGES[-1], only, EDGES).sheet is None
