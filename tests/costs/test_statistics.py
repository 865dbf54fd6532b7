from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
import time_machine

from costs.ledger import prune, record_usage
from costs.limits import set_user_limits
from costs.models import SpendingLimit
from costs.statistics import usage_stats

NOW = datetime(2025, 10, 24, 12, tzinfo=UTC)  # a Friday


def record(cost, hours_ago, **fields):
    record_usage(
        user_id="ann",
        model=fields.pop("model", "haiku"),
        input_tokens=10,
        output_tokens=5,
        cost=Decimal(cost),
        timestamp=NOW - timedelta(hours=hours_ago),
        **fields,
    )


@pytest.mark.django_db
class TestUsageStats:
    @pytest.fixture(autouse=True)
    def noon(self):
        with time_machine.travel(NOW, tick=False):
            yield

    def test_every_key_of_the_origin_holds_its_own_window(self):
        set_user_limits("ann", daily=10, monthly=40)
        record("1", 1)
        record("2", 20, model="opus")
        record("4", 24 * 4)
        record("8", 24 * 10)
        record("16", 24 * 60)
        assert usage_stats("ann") == {
            "user_id": "ann",
            "total_requests": 5,
            "total_cost": 31,
            "daily_cost": 1,
            "monthly_cost": 15,
            "weekly_cost": 7,
            "session_cost": 0,
            "session_duration": None,
            "daily_limit": 10,
            "monthly_limit": 40,
            "daily_percentage": 10.0,
            "monthly_percentage": 37.5,
            "model_breakdown": {
                "haiku": {"requests": 4, "cost": 29, "input_tokens": 40, "output_tokens": 20},
                "opus": {"requests": 1, "cost": 2, "input_tokens": 10, "output_tokens": 5},
            },
            "recent_24h": 2,
            "last_reset": "2025-10-24T00:00:00+00:00",
        }

    def test_the_session_is_that_of_the_newest_record(self):
        record("5", 9, session_key="old")
        record("1", 2, session_key="new")
        record("2", 0.5, session_key="new")
        stats = usage_stats("ann")
        assert (stats["session_cost"], stats["session_duration"]) == (3, "1.5h")
        record("2", 0.25, session_key="newest")
        record("2", 0.05, session_key="newest")
        assert usage_stats("ann")["session_duration"] == "12m"

    def test_an_unknown_user_is_all_zero_and_leaves_no_trace(self):
        stats = usage_stats("nobody")
        assert stats["total_requests"] == stats["total_cost"] == stats["recent_24h"] == 0
        assert stats["model_breakdown"] == {}
        assert stats["daily_limit"] is stats["monthly_percentage"] is None
        assert not SpendingLimit.objects.exists()

    def test_lifetime_totals_outlive_a_prune(self):
        record("1", 24 * 5)
        list(prune(NOW - timedelta(days=2)))
        stats = usage_stats("ann")
        assert stats["total_cost"] == stats["model_breakdown"]["haiku"]["cost"] == 1
