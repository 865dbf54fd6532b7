import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from urllib.parse import quote

import pytest
import time_machine
from django.contrib.auth.models import Permission

from costs.ledger import record_usage
from costs.limits import set_user_limits
from costs.models import SpendingLimit
from tests.costs.test_api_usage import exact, post

NOON = datetime(2025, 10, 24, 12, tzinfo=UTC)
FREE = {"limit": None, "percentage": None, "remaining": None}


def spend(dollars, user="ann"):
    record_usage(
        user_id=user,
        model="x",
        input_tokens=0,
        output_tokens=0,
        cost=Decimal(dollars),
        timestamp=NOON,
    )


@pytest.fixture(autouse=True)
def noon():
    with time_machine.travel(NOON, tick=False) as traveller:
        yield traveller


@pytest.mark.django_db
class TestLimits:
    def test_it_tells_each_limit_beside_what_is_spent(self, reader):
        set_user_limits("ann", daily=1, monthly=Decimal("0.000000003"), display_name="Ann")
        spend("0.1")
        spend("0.2")
        answer = reader.get("/api/limits/ann")
        assert answer.status_code == 200
        assert exact(answer) == {
            "user_id": "ann",
            "display_name": "Ann",
            "daily": {
                "limit": 1,
                "spent": Decimal("0.3"),
                "percentage": 30,
                "remaining": Decimal("0.7"),
                "resets_at": "2025-10-25T00:00:00Z",
            },
            "monthly": {
                "limit": Decimal("3e-9"),
                "spent": Decimal("0.3"),
                "percentage": 10**10,
                "remaining": 0,
                "resets_at": "2025-11-01T00:00:00Z",
            },
        }

    def test_a_user_unheard_of_has_no_limits_and_is_not_made(self, reader):
        answer = exact(reader.get("/api/limits/nobody"))
        assert (answer["user_id"], answer["display_name"]) == ("nobody", "")
        for meter in (answer["daily"], answer["monthly"]):
            assert meter | FREE | {"spent": 0} == meter
        assert not SpendingLimit.objects.exists()

    def test_asking_does_not_use_up_the_warning(self, agent):
        set_user_limits("ann", daily=10)
        spend("9")
        agent.get("/api/limits/ann")
        assert post(agent, "/api/limits/check", {"user_id": "ann"}).json()["warning"]

    @pytest.mark.parametrize("user", ["-100123", "team/ann", "ann@example.org", "Ännchen", "a b?"])
    def test_any_user_has_an_address(self, agent, user):
        set_user_limits(user, daily=1)
        answer = agent.get(f"/api/limits/{quote(user)}").json()
        assert answer["user_id"] == user
        assert answer["daily"]["limit"] == 1

    @pytest.mark.parametrize("user", ["x" * 65, "a%00b"])
    def test_a_user_that_cannot_be_is_refused(self, agent, user):
        address = f"/api/limits/{user}"
        for answer in (agent.get(address), agent.put(address, "{}", "application/json")):
            assert answer.status_code == 400
            assert "user_id" in answer.json()["error"]

    def test_the_statements_are_few(self, reader, django_assert_num_queries):
        set_user_limits("ann", daily=1)
        with django_assert_num_queries(8):  # key, limit, and each window between its marks
            reader.get("/api/limits/ann")


@pytest.mark.django_db
class TestSetLimits:
    def put(self, client, body, user="ann"):
        data = body if isinstance(body, str) else json.dumps(body)
        return client.put(f"/api/limits/{user}", data, content_type="application/json")

    def test_it_sets_and_answers_the_meters(self, writer):
        spend("0.25")
        answer = self.put(writer, {"daily": 2.5, "monthly": "100.5", "display_name": "Ann"})
        assert answer.status_code == 200
        meters = exact(answer)
        assert meters["display_name"] == "Ann"
        assert meters["daily"]["limit"] == Decimal("2.5")
        assert meters["daily"]["percentage"] == 10
        assert meters["monthly"]["limit"] == Decimal("100.5")
        assert SpendingLimit.objects.get().daily_limit_nano == 2_500_000_000

    def test_what_is_left_out_stays_null_is_unlimited_and_zero_allows_nothing(self, writer):
        self.put(writer, {"daily": 5, "monthly": 50, "display_name": "Ann"})
        meters = exact(self.put(writer, {"daily": None}))
        assert meters["daily"]["limit"] is None
        assert meters["monthly"]["limit"] == 50
        assert meters["display_name"] == "Ann"
        meters = exact(self.put(writer, {"daily": 0}))
        assert meters["daily"] | {"limit": 0, "percentage": 100, "remaining": 0} == meters["daily"]
        assert self.put(writer, {}).status_code == 200
        assert SpendingLimit.objects.get().monthly_limit_nano == 50 * 10**9

    def test_the_same_again_is_the_same(self, writer):
        answers = [self.put(writer, {"daily": 5}).content for _ in range(2)]
        assert answers[0] == answers[1]
        assert SpendingLimit.objects.count() == 1

    @pytest.mark.parametrize("amount", ["-1", '"NaN"', '"Infinity"', "1e7", "true", '"a"', "[]"])
    @pytest.mark.parametrize("field", ["daily", "monthly"])
    def test_what_is_no_amount_is_refused_and_changes_nothing(self, writer, field, amount):
        answer = self.put(writer, f'{{"display_name": "Ann", "{field}": {amount}}}')
        assert answer.status_code == 400
        assert field in answer.json()["error"]
        assert not SpendingLimit.objects.exists()

    @pytest.mark.parametrize("name", [None, "x" * 101, "a\0", 5])
    def test_a_name_that_cannot_be_kept_is_refused(self, writer, name):
        answer = self.put(writer, {"display_name": name})
        assert answer.status_code == 400
        assert "display_name" in answer.json()["error"]

    def test_a_misspelt_field_is_told(self, writer):
        answer = self.put(writer, {"dayly": 5})
        assert answer.status_code == 400
        assert "dayly" in answer.json()["error"]

    def test_a_person_sets_with_the_permission_only(self, signed_in, operator):
        assert self.put(signed_in, {"daily": 1}).status_code == 403
        operator.user_permissions.add(Permission.objects.get(codename="change_spendinglimit"))
        assert self.put(signed_in, {"daily": 1}).status_code == 200

    def test_a_key_that_may_only_read_may_not(self, reader):
        assert self.put(reader, {"daily": 1}).status_code == 403


@pytest.mark.django_db
class TestCheck:
    def check(self, client, user="ann"):
        answer = post(client, "/api/limits/check", {"user_id": user})
        assert answer.status_code == 200
        return exact(answer)

    def test_whoever_has_spent_the_limit_is_refused_with_the_reason(self, writer):
        set_user_limits("ann", daily=Decimal("2.5"), monthly=100)
        spend("2.499999999")
        assert self.check(writer)["allowed"] is True
        spend("0.000000001")
        verdict = self.check(writer)
        assert verdict == {
            "allowed": False,
            "reason": "Daily limit exceeded ($2.50). Resets at midnight.",
            "warning": "",
            "daily": {
                "limit": Decimal("2.5"),
                "spent": Decimal("2.5"),
                "percentage": 100,
                "remaining": 0,
                "resets_at": "2025-10-25T00:00:00Z",
            },
            "monthly": {
                "limit": 100,
                "spent": Decimal("2.5"),
                "percentage": Decimal("2.5"),
                "remaining": Decimal("97.5"),
                "resets_at": "2025-11-01T00:00:00Z",
            },
        }

    def test_a_user_unheard_of_may_and_is_not_made(self, writer):
        verdict = self.check(writer, "nobody")
        assert verdict["allowed"] is True
        assert verdict["reason"] == verdict["warning"] == ""
        assert verdict["daily"] | FREE == verdict["daily"]
        assert not SpendingLimit.objects.exists()

    def test_the_warning_comes_once_an_hour(self, writer, noon):
        set_user_limits("ann", daily=10)
        spend("8")
        told = "Daily limit: 80 % used ($8.00 of $10.00)."
        assert [self.check(writer)["warning"] for _ in range(2)] == [told, ""]
        noon.shift(timedelta(hours=1))
        assert self.check(writer)["warning"] == told

    @pytest.mark.parametrize("body", ["{}", '{"user_id": ""}', '{"user_id": 5}', '{"user": 1}'])
    def test_a_user_must_be_named(self, writer, body):
        answer = post(writer, "/api/limits/check", body)
        assert answer.status_code == 400

    def test_it_is_for_programs(self, signed_in):
        assert post(signed_in, "/api/limits/check", {"user_id": "ann"}).status_code == 403
