"""What the dashboard reckons."""

from datetime import timedelta

import pytest

from costs import ledger
from costs.windows import Totals
from monitor.dashboard import Dashboard
from monitor.overview import overview
from monitor.ranking import Row, ranked
from monitor.selection import Selection
from tests.monitor.dashboard.cast import NOW, record


class TestRanked:
    def test_the_dearest_comes_first_with_its_share(self) -> None:
        rows = ranked({"a": Totals(9, 25), "b": Totals(1, 75)})
        assert rows == [Row("b", Totals(1, 75), 0.75), Row("a", Totals(9, 25), 0.25)]

    def test_equal_costs_go_by_requests_and_name(self) -> None:
        sums = {"b": Totals(1), "a": Totals(1), "c": Totals(2)}
        assert [row.name for row in ranked(sums)] == ["c", "a", "b"]

    def test_nothing_costs_no_share(self) -> None:
        assert ranked({"free": Totals(3, 0)})[0].share == 0

    def test_what_is_left_over_is_one_row(self) -> None:
        sums = {str(n): Totals(1, n, 10, 1, 2, 3, 4) for n in range(1, 6)}
        assert ranked(sums, top=3)[3] == Row(
            "2 more", Totals(2, 3, 20, 2, 4, 6, 8), 0.2, is_rest=True
        )

    def test_both_kinds_of_cache_writes_are_one_figure(self) -> None:
        assert Row("a", Totals(1, 1, 1, 1, 1, 20, 3), 1).cache_write_tokens == 23


@pytest.mark.django_db
@pytest.mark.usefixtures("clock")
class TestDashboard:
    def page(self, label: str = "24h") -> Dashboard:
        return Dashboard(Selection.parse({"range": label}, NOW))

    def test_the_trend_compares_with_the_period_before(self) -> None:
        record()
        record(NOW - timedelta(hours=30), input_tokens=1_000_000)
        assert self.page().trend == 1.0
        assert self.page("7d").trend is None
        assert self.page("all").trend is None

    def test_unpriced_models_are_named_with_their_requests(self) -> None:
        record()
        for _ in range(2):
            record(model="mystery-1")
        record(model="mystery-2")
        record(NOW - timedelta(days=3), model="mystery-3")
        assert self.page().unpriced == [("mystery-1", 2), ("mystery-2", 1)]

    def test_a_cost_that_came_along_is_a_price(self) -> None:
        record(model="mystery-1", cost=1)
        assert self.page().unpriced == []

    def test_a_quiet_day_is_not_an_empty_database(self) -> None:
        assert self.page().is_empty
        record(NOW - timedelta(days=400))
        assert not self.page().is_empty

    def test_a_pruned_ledger_is_not_an_empty_database(self) -> None:
        record(NOW - timedelta(days=400))
        list(ledger.prune(NOW))
        assert not self.page().is_empty

    def test_the_headline_equals_the_footer(self) -> None:
        record()
        record(user_id="bob", model="claude-sonnet-4-5")
        assert self.page().cost_nano == overview(self.page().period).cost_nano > 0
