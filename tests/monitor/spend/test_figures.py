import pytest
from django.test import Client

from tests.monitor.cast import text
from tests.monitor.spend.cast import html, page, prune, spent

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]


class TestFigures:
    def test_they_follow_the_range_and_the_filter(self) -> None:
        spent(1)
        spent(2, model="haiku", request_type="code")
        spent(4, user_id="bob", source="bot")
        spent(8, hours=24 * 8)
        assert page(range="24h").totals.cost == 7
        assert page().totals.cost == 15
        assert page(model="haiku").totals.cost == 2
        assert page(user="bob").totals.cost == 4
        assert page(type="chat", user="ada").totals.cost == 9
        assert page(source="bot").totals.cost == 4

    def test_the_trend_is_that_of_the_same_filter(self) -> None:
        spent(3)
        spent(2, hours=25)
        spent(9, hours=25, user_id="bob")
        assert page(range="24h", user="ada").trend == 0.5
        assert page(range="24h", source="api").trend == pytest.approx(-8 / 11)
        assert page(range="all").trend is None

    def test_there_is_no_trend_against_what_is_pruned(self) -> None:
        spent(3)
        spent(2, hours=25)
        prune(12)
        assert page(range="24h").trend == 0.5
        assert page(range="24h", source="api").trend is None

    def test_the_projection_is_of_the_month_whatever_the_range(self) -> None:
        spent(7)
        assert page(range="24h").projection == page(range="all").projection
        assert page().projection.spent_nano == 7 * 10**9

    def test_the_minute_under_way_counts_in_the_projection(self) -> None:
        spent(7, hours=0)
        assert page().projection.spent_nano == page(range="24h").totals.cost_nano == 7 * 10**9

    def test_a_cache_that_costs_more_than_it_saves_says_so(self, signed_in: Client) -> None:
        fields = {"model": "claude-haiku-4-5", "cache_write_5m_tokens": 4_000_000}
        spent(1, **fields)
        told = text(html(signed_in))
        assert "Lost by the cache $1.00" in told

    def test_unpriced_models_are_named(self, signed_in: Client) -> None:
        spent(cost=None, model="mystery-1")
        assert "No price is known for mystery-1 (1 request)" in text(html(signed_in))
