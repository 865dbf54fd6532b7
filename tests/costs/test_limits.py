from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
import time_machine
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from costs.ledger import record_usage
from costs.limits import KEEP, check_limits, limits_by_user, meters, meters_of, set_user_limits
from costs.models import CostRecord, SpendingLimit
from tests.examples import examples

NOON = datetime(2025, 10, 24, 12, tzinfo=UTC)


def spend(dollars, when=NOON, user="ann"):
    record_usage(
        user_id=user,
        model="x",
        input_tokens=0,
        output_tokens=0,
        cost=Decimal(str(dollars)),
        timestamp=when,
    )


@pytest.fixture
def noon():
    with time_machine.travel(NOON, tick=False) as traveller:
        yield traveller


@pytest.mark.django_db
@pytest.mark.usefixtures("noon")
class TestCheckLimits:
    def test_an_unknown_user_is_allowed_and_leaves_no_trace(self):
        verdict = check_limits("nobody")
        assert verdict.allowed
        assert verdict.reason == verdict.warning == ""
        assert verdict.daily.limit_nano is None
        assert not SpendingLimit.objects.exists()

    @pytest.mark.parametrize(
        ("spent", "allowed"), [("9.999999999", True), ("10", False), ("10.000000001", False)]
    )
    def test_it_blocks_at_the_limit_not_beyond_it(self, spent, allowed):
        set_user_limits("ann", daily=10)
        spend(spent)
        assert check_limits("ann").allowed is allowed

    def test_the_reason_names_the_limit_and_when_it_resets(self):
        set_user_limits("ann", daily=Decimal("2.5"), monthly=1000)
        spend(3)
        verdict = check_limits("ann")
        assert verdict.reason == "Daily limit exceeded ($2.50). Resets at midnight."
        assert verdict.daily.resets_at == datetime(2025, 10, 25, tzinfo=UTC)
        assert verdict.daily.spent_nano == 3 * 10**9
        assert verdict.monthly.resets_at == datetime(2025, 11, 1, tzinfo=UTC)

    def test_the_month_blocks_when_the_day_does_not(self):
        set_user_limits("ann", daily=100, monthly=5)
        spend(5, NOON - timedelta(days=3))
        assert check_limits("ann").reason == "Monthly limit exceeded ($5.00). Resets next month."

    def test_the_day_is_named_first(self):
        set_user_limits("ann", daily=1, monthly=1)
        spend(1)
        assert check_limits("ann").reason.startswith("Daily")

    def test_zero_allows_nothing_and_null_everything(self):
        set_user_limits("ann", daily=0)
        assert not check_limits("ann").allowed
        assert check_limits("ann").daily.percentage == 100
        set_user_limits("ann", daily=None)
        spend(10**6)
        assert check_limits("ann").allowed
        assert check_limits("ann").daily.percentage is None

    def test_a_limit_below_a_cent_is_worded_whole(self):
        set_user_limits("ann", daily=Decimal("0.001"))
        spend("0.001")
        assert check_limits("ann").reason == "Daily limit exceeded ($0.001). Resets at midnight."

    def test_users_do_not_count_against_one_another(self):
        set_user_limits("ann", daily=5)
        spend(50, user="bob")
        assert check_limits("ann").allowed

    def test_a_new_day_and_a_new_month_count_anew(self, noon):
        set_user_limits("ann", daily=10, monthly=15)
        spend(10)
        assert not check_limits("ann").allowed
        noon.move_to(NOON + timedelta(hours=12))
        assert check_limits("ann").allowed
        spend(5, NOON + timedelta(hours=12))
        assert check_limits("ann").reason.startswith("Monthly")
        noon.move_to(datetime(2025, 11, 1, tzinfo=UTC))
        assert check_limits("ann").allowed

    def test_the_day_is_cut_in_the_configured_zone(self, settings):
        settings.TIME_ZONE = "Asia/Kathmandu"  # +05:45: the day began at 18:15 UTC
        set_user_limits("ann", daily=10)
        spend(10, datetime(2025, 10, 23, 18, 14, 59, tzinfo=UTC))
        assert check_limits("ann").allowed
        spend(10, datetime(2025, 10, 23, 18, 15, tzinfo=UTC))
        assert not check_limits("ann").allowed


@pytest.mark.django_db
@pytest.mark.usefixtures("noon")
class TestWarning:
    def test_it_comes_from_80_percent_on(self):
        set_user_limits("ann", daily=10)
        spend("7.999999999")
        assert check_limits("ann").warning == ""
        spend("0.000000001")
        assert check_limits("ann").warning == "Daily limit: 80 % used ($8.00 of $10.00)."

    def test_it_comes_once_an_hour_a_user_for_both_kinds_together(self, noon):
        set_user_limits("ann", daily=10, monthly=10)
        spend(9)
        assert check_limits("ann").warning
        assert not check_limits("ann").warning
        noon.shift(timedelta(minutes=59, seconds=59))
        assert not check_limits("ann").warning
        noon.shift(timedelta(seconds=1))
        assert check_limits("ann").warning

    def test_a_clock_set_back_does_not_silence_it(self, noon):
        set_user_limits("ann", daily=10)
        spend(9)
        spend(9, NOON - timedelta(days=2))
        assert check_limits("ann").warning
        noon.move_to(NOON - timedelta(days=2))
        assert check_limits("ann").warning

    def test_the_month_warns_when_the_day_does_not(self):
        set_user_limits("ann", daily=100, monthly=10)
        spend(8)
        assert check_limits("ann").warning.startswith("Monthly limit: 80 %")

    def test_whoever_is_blocked_is_not_warned_besides(self):
        set_user_limits("ann", daily=10)
        spend(10)
        assert check_limits("ann").warning == ""


@pytest.mark.django_db
@pytest.mark.usefixtures("noon")
class TestMetersOf:
    @pytest.fixture(autouse=True)
    def users(self):
        set_user_limits("ann", daily=2)
        set_user_limits("idle", monthly=0, display_name="Idle Ida")
        spend(1)
        spend(3, NOON - timedelta(days=3))
        spend(5, user="bob")
        spend(7, NOON - timedelta(days=40), user="bob")

    def test_they_are_what_each_user_has_alone(self):
        limits = limits_by_user()
        users = ["ann", "bob", "nobody", "idle"]
        found = meters_of(users, limits, NOON)
        assert found == {user: meters(user, limits.get(user), NOON) for user in users}
        assert [meter.spent_nano for meter in found["ann"]] == [10**9, 4 * 10**9]

    def test_whoever_has_a_limit_has_it_by_name(self):
        assert {user: str(limit) for user, limit in limits_by_user().items()} == {
            "ann": "ann",
            "idle": "Idle Ida",
        }

    def test_many_users_cost_as_few_queries_as_one(self, django_assert_num_queries):
        with django_assert_num_queries(6):
            meters_of([f"user-{number}" for number in range(500)], {}, NOON)


@pytest.mark.django_db
class TestSetUserLimits:
    def test_what_is_not_given_stays(self):
        set_user_limits("ann", daily=5, monthly=50, display_name="Ann")
        limit = set_user_limits("ann", daily=None)
        assert limit.daily_limit_nano is None
        assert limit.monthly_limit_nano == 50 * 10**9
        assert set_user_limits("ann", daily=KEEP).display_name == "Ann"

    @pytest.mark.parametrize("amount", [-1, "abc", Decimal("NaN"), Decimal("1e30")])
    def test_it_refuses_what_is_no_amount(self, amount):
        with pytest.raises(ValueError, match="amount"):
            set_user_limits("ann", daily=amount)
        assert not SpendingLimit.objects.exists()

    @pytest.mark.parametrize("user_id", ["", "x" * 65, "a\0"])
    def test_it_refuses_a_user_that_cannot_be_stored(self, user_id):
        with pytest.raises(ValueError, match="user_id"):
            set_user_limits(user_id)


@pytest.mark.django_db
class TestCalendarAcrossClockChanges:
    @hypothesis_settings(
        max_examples=examples(60),
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture],
    )
    @given(
        zone=st.sampled_from(
            ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Havana"]
        ),
        hours=st.lists(st.integers(0, 24 * 40), max_size=12),
        now=st.integers(0, 24 * 40),
        season=st.sampled_from(
            [datetime(2025, 3, 1, tzinfo=UTC), datetime(2025, 10, 15, tzinfo=UTC)]
        ),
    )
    def test_what_counts_are_the_records_of_the_local_date(
        self, settings, zone, hours, now, season
    ):
        settings.TIME_ZONE = zone
        CostRecord.objects.all().delete()
        moments = [season + timedelta(hours=hour, minutes=30) for hour in hours]
        for moment in moments:
            spend(1, moment)
        present = season + timedelta(hours=now)
        local = [moment.astimezone(ZoneInfo(zone)) for moment in moments]
        today = present.astimezone(ZoneInfo(zone))
        with time_machine.travel(present, tick=False):
            verdict = check_limits("ann")
        same_day = [moment for moment in local if moment.date() == today.date()]
        same_month = [m for m in local if (m.year, m.month) == (today.year, today.month)]
        assert verdict.daily.spent_nano == len(same_day) * 10**9
        assert verdict.monthly.spent_nano == len(same_month) * 10**9
