"""The figures of what requests cost."""

from datetime import datetime
from decimal import Decimal

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries
from pytest_django.fixtures import Settings

from costs import ledger
from costs.limits import set_user_limits
from costs.models import CostRecord
from costs.statistics import usage_stats
from tests.monitor.api.asking import BAD_HOURS, get, refused
from tests.monitor.api.nothing import NOBODY
from tests.monitor.api.telling import DAY, HOUR, spent
from tests.monitor.cast import ago

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]


class TestClaudeApi:
    def test_its_figures_are_those_of_all_records(self, reader: Client) -> None:
        spent("7", 1, "0.000000001")
        spent("7", 2 * DAY, "2.5", model="opus")
        spent("8", 2, "1")
        answer = get(reader, "metrics/claude-api")
        users = answer.pop("by_user")
        assert answer == {
            "total_cost": Decimal("3.500000001"),
            "total_requests": 3,
            "recent_hours": 24,
            "recent_requests": 2,
            "recent_cost": Decimal("1.000000001"),
            "model_breakdown": {
                "haiku": {
                    "requests": 2,
                    "cost": Decimal("1.000000001"),
                    "input_tokens": 6,
                    "output_tokens": 4,
                },
                "opus": {
                    "requests": 1,
                    "cost": Decimal("2.5"),
                    "input_tokens": 3,
                    "output_tokens": 2,
                },
            },
        }
        assert list(users) == ["7", "8"]

    @pytest.mark.parametrize("zone", ["UTC", "Pacific/Auckland"])
    def test_each_user_is_told_as_usage_stats_tells(
        self, reader: Client, settings: Settings, zone: str
    ) -> None:
        settings.TIME_ZONE = zone
        times = [1, 50, 20 * HOUR, 25 * HOUR, 8 * DAY, 40 * DAY]
        for number, (user, at) in enumerate((user, at) for user in "abcd" for at in times):
            session = f"s{number % 2} of {user}" if user in "ab" else ""
            spent(user, at + ord(user) % 3, f"0.{number + 1}", session_key=session)
        spent("b", 0, session_key="")
        spent("c", 0, session_key="s0 of a")
        set_user_limits("a", daily=Decimal("2"), monthly=0)
        set_user_limits("b", monthly=Decimal("0.5"))
        ledger.seal()
        users = get(reader, "metrics/claude-api")["by_user"]
        assert set(users) == set("abcd")
        for user, told_of in users.items():
            stats = usage_stats(user)
            reset = datetime.fromisoformat(stats.pop("last_reset"))
            assert datetime.fromisoformat(told_of.pop("last_reset")) == reset
            for key, value in stats.items():
                if isinstance(value, float):
                    assert float(told_of.pop(key)) == pytest.approx(value)
                else:
                    assert told_of.pop(key) == value, (user, key)
            assert told_of == {}

    def test_at_most_the_hundred_dearest_users_are_told_of(self, reader: Client) -> None:
        for number in range(103):
            spent(f"u{number:03}", 1, str(number))
        users = get(reader, "metrics/claude-api")["by_user"]
        assert list(users) == [f"u{n:03}" for n in range(102, 2, -1)]

    def test_what_was_pruned_still_counts(self, reader: Client) -> None:
        spent("7", 40 * DAY, "2")
        spent("7", 1, "1")
        ledger.seal()
        for _ in ledger.prune(ago(30 * DAY).replace(minute=0, second=0)):
            pass
        assert CostRecord.objects.count() == 1
        answer = get(reader, "metrics/claude-api")
        assert (answer["total_cost"], answer["total_requests"]) == (3, 2)
        assert answer["model_breakdown"]["haiku"]["cost"] == 3
        assert answer["by_user"]["7"]["total_cost"] == 3
        assert answer["by_user"]["7"]["model_breakdown"]["haiku"]["cost"] == 3

    def test_it_is_zero_where_there_is_nothing(self, reader: Client) -> None:
        assert get(reader, "metrics/claude-api") == NOBODY | {"by_user": {}}

    @pytest.mark.parametrize("query", BAD_HOURS)
    def test_bad_hours_are_refused(self, reader: Client, query: str) -> None:
        assert "hours" in refused(reader, f"metrics/claude-api?{query}")

    @pytest.mark.parametrize("count", [1, 30])
    def test_it_asks_as_much_for_many_as_for_one(
        self, reader: Client, count: int, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        for number in range(count):
            spent(f"u{number}", number, session_key=f"s{number}")
        # The key; seven sums, each between two looks at the marks; limits; two of the sessions.
        with django_assert_num_queries(25):
            get(reader, "metrics/claude-api")
