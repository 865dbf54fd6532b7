from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest

from costs import ledger
from costs.money import from_nano
from costs.projection import projection
from costs.spending import Filter
from costs.usage import Usage

NANO = 10**9
NOW = datetime(2026, 4, 21, 12, tzinfo=UTC)
LEFT = timedelta(days=9, hours=12)

pytestmark = pytest.mark.django_db


def spend(dollars, days_ago, user_id="ann", **fields):
    given = {"model": "x", "input_tokens": 0, "output_tokens": 0, "cost": Decimal(str(dollars))}
    given |= {"timestamp": NOW - timedelta(days=days_ago)}
    ledger.record_many([Usage(user_id=user_id, **given | fields)])


class TestProjection:
    def test_an_empty_ledger_projects_nothing(self):
        empty = projection(NOW)
        assert (empty.spent_nano, empty.projected_nano, empty.rate_nano_a_day) == (0, 0, 0)
        assert empty.ends_at == datetime(2026, 5, 1, tzinfo=UTC)

    def test_the_last_week_goes_on_until_the_month_ends(self):
        spend(100, 15)
        spend(14, 3)
        found = projection(NOW)
        assert found.spent_nano == 114 * NANO
        assert found.rate_nano_a_day == 2 * NANO
        assert found.projected_nano == (114 + 19) * NANO
        assert found.method == (
            "Spent so far, plus the mean rate of the last 7 days until the month ends."
        )

    def test_what_was_spent_last_month_counts_in_the_rate_alone(self):
        early = datetime(2026, 4, 3, tzinfo=UTC)
        spend(70, 0, timestamp=early - timedelta(days=5))
        spend(1, 0, timestamp=early - timedelta(days=20))
        found = projection(early)
        assert found.spent_nano == 0
        assert found.projected_nano == 10 * 28 * NANO

    def test_neither_the_week_before_nor_the_future_counts_in_the_rate(self):
        spend(1, 7.001)
        spend(7, 7)
        spend(50, 0)
        assert projection(NOW).rate_nano_a_day == NANO

    def test_a_young_ledger_is_measured_since_its_first_record(self):
        spend(9, 3)
        spend(1, 1)
        found = projection(NOW)
        assert found.projected_nano == round((10 + Fraction(10, 3) * Fraction(19, 2)) * NANO)
        assert "the last 3 days" in found.method
        spend(1, 2.5)
        spend(1, 3.25)
        assert "the last 3.2 days" in projection(NOW).method

    def test_but_over_a_day_at_least(self):
        spend(2, 0.01)
        found = projection(NOW)
        assert found.rate_nano_a_day == 2 * NANO
        assert found.projected_nano == 21 * NANO
        assert "the last 24 hours" in found.method

    def test_a_user_is_measured_since_their_own_first_record(self):
        spend(70, 20)
        spend(4, 2, user_id="bob")
        assert projection(NOW, Filter(user_id="bob")).rate_nano_a_day == 2 * NANO
        assert projection(NOW, Filter(user_id="ann")).rate_nano_a_day == 0
        both = projection(NOW, Filter(user_id="bob", model="x"))
        assert both.projected_nano == 23 * NANO

    def test_a_source_is_measured_as_the_ledger_is(self):
        spend(70, 20)
        spend(7, 2, source="bot")
        assert projection(NOW, Filter(source="bot")).rate_nano_a_day == NANO

    def test_it_is_the_same_sealed_and_pruned(self):
        for days in range(12):
            spend(Decimal("1.000000001") * days, days + 0.3)
        before = projection(NOW)
        list(ledger.prune(NOW - timedelta(days=2)))
        assert projection(NOW) == before

    def test_it_is_exact_and_rounded_once(self):
        spend(1, 20)
        spend(from_nano(7 * 10**8 + 1), 1)
        rate = Fraction(7 * 10**8 + 1, 7)
        found = projection(NOW)
        assert found.rate_nano_a_day == round(rate)
        assert found.projected_nano == round(
            found.spent_nano + rate * Fraction(LEFT / timedelta(days=1))
        )

    def test_the_month_is_that_of_the_configured_zone(self, settings):
        settings.TIME_ZONE = "Asia/Kathmandu"  # +05:45
        spend(3, 0, timestamp=datetime(2026, 3, 31, 18, 15, tzinfo=UTC))
        spend(5, 0, timestamp=datetime(2026, 3, 31, 18, 14, tzinfo=UTC))
        found = projection(NOW)
        assert found.spent_nano == 3 * NANO
        assert found.ends_at == datetime(2026, 4, 30, 18, 15, tzinfo=UTC)

    def test_the_history_before_costs_no_more_queries(self, django_assert_num_queries):
        spend(1, 100)
        with django_assert_num_queries(9):
            projection(NOW)
