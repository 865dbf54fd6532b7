import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
import time_machine
from django.contrib.auth.models import Permission
from django.db import connection

from costs import audit, ledger
from costs.limits import set_user_limits
from costs.models import CostRecord, ModelHour, SpendingLimit
from tests.costs.brute import at

NOW = datetime(2025, 10, 24, 12, tzinfo=UTC)  # a Friday
# PostgreSQL is told to insert as it is asked for the marks; before a key is booked, it is asked
# whether the records are in partitions.
CLAIM = int(connection.vendor == "postgresql")
USAGE = {"user_id": "ann", "model": "haiku", "input_tokens": 1000, "output_tokens": 500}


def post(client, path, body, **headers):
    data = body if isinstance(body, bytes | str) else json.dumps(body)
    return client.post(path, data, content_type="application/json", headers=headers)


def exact(response):
    """The answer with its numbers as they are written."""
    return json.loads(response.content, parse_float=Decimal, parse_int=Decimal)


@pytest.mark.django_db
class TestUsage:
    def post(self, client, headers=None, **fields):
        return post(client, "/api/usage", USAGE | fields, **(headers or {}))

    def test_it_books_a_request_at_the_list_price(self, writer):
        answer = self.post(writer)
        assert answer.status_code == 201
        assert exact(answer) == {
            "cost": Decimal("0.0028"),
            "created": True,
            "priced": True,
            "priced_by": CostRecord.objects.get().priced_by,
        }

    def test_a_model_without_a_price_is_booked_and_told(self, writer):
        answer = self.post(writer, model="unheard-of")
        assert answer.status_code == 201
        assert exact(answer) | {"created": True} == {
            "cost": 0,
            "created": True,
            "priced": False,
            "priced_by": "",
        }

    def test_all_that_is_told_is_kept(self, writer):
        told = {
            "request_type": "code_task",
            "session_key": "s1",
            "source": "bot",
            "source_id": "r1",
            "cache_read_tokens": 3,
            "cache_write_5m_tokens": 4,
            "cache_write_1h_tokens": 5,
        }
        self.post(writer, timestamp="2025-10-26T02:30:00+02:00", **told)
        record = CostRecord.objects.get()
        assert {name: getattr(record, name) for name in USAGE | told} == USAGE | told
        assert record.timestamp == datetime(2025, 10, 26, 0, 30, tzinfo=UTC)

    @pytest.mark.parametrize("cost", ["0.1", '"0.1"', "1e-1", '"1e-1"', "0.10", "100e-3"])
    def test_money_is_a_number_or_a_text(self, writer, cost):
        answer = post(writer, "/api/usage", json.dumps(USAGE)[:-1] + f', "cost": {cost}}}')
        assert exact(answer)["cost"] == Decimal("0.1")

    @pytest.mark.parametrize(
        ("cost", "kept"),
        [
            ("0.000000001", "0.000000001"),
            ("1e-9", "1e-9"),
            ("123456.123456789", "123456.123456789"),
            ("1000000", "1000000"),
            ("0.0000000005", "0"),  # half to even
            ("0.0000000015", "2e-9"),
            ("0.300000000000000000001", "0.3"),
            ("1e-999999999999", "0"),
            ("-0.0", "0"),
        ],
    )
    def test_money_is_exact_to_the_ninth_decimal(self, writer, cost, kept):
        answer = post(writer, "/api/usage", json.dumps(USAGE)[:-1] + f', "cost": {cost}}}')
        assert exact(answer)["cost"] == Decimal(kept)
        assert CostRecord.objects.get().cost == Decimal(kept)

    def test_a_tenth_and_two_tenths_are_three(self, agent):
        for cost in (0.1, 0.2):
            self.post(agent, cost=cost)
        stats = exact(agent.get("/api/user/usage?user_id=ann"))
        assert stats["total_cost"] == Decimal("0.3")

    @pytest.mark.parametrize(
        "cost",
        ['"NaN"', '"sNaN"', '"Infinity"', '"-Infinity"', '"much"', "-1", "1e7", "1e400", "true"],
    )
    def test_what_is_no_amount_is_refused(self, writer, cost):
        answer = post(writer, "/api/usage", json.dumps(USAGE)[:-1] + f', "cost": {cost}}}')
        assert answer.status_code == 400
        assert "cost" in answer.json()["error"]
        assert not CostRecord.objects.exists()

    @pytest.mark.parametrize("cost", ["NaN", "Infinity", "-Infinity", ".1", "01"])
    def test_what_json_does_not_know_is_refused(self, writer, cost):
        answer = post(writer, "/api/usage", json.dumps(USAGE)[:-1] + f', "cost": {cost}}}')
        assert answer.status_code == 400
        assert "malformed" in answer.json()["error"]

    @pytest.mark.parametrize(
        ("fields", "named"),
        [
            ({"user_id": ""}, "user_id"),
            ({"user_id": "x" * 65}, "user_id"),
            ({"user_id": "a\0b"}, "user_id"),
            ({"user_id": 5}, "user_id"),
            ({"model": None}, "model"),
            ({"input_tokens": -1}, "input_tokens"),
            ({"input_tokens": "5"}, "input_tokens"),
            ({"output_tokens": 1.0}, "output_tokens"),
            ({"cache_read_tokens": 10**12 + 1}, "cache_read_tokens"),
            ({"timestamp": "2025-10-24T12:00:00"}, "timestamp"),
            ({"timestamp": "1969-10-24T12:00:00Z"}, "timestamp"),
            ({"timestamp": "0001-01-01T00:00:00+14:00"}, "timestamp"),
            ({"timestamp": "9999-12-31T23:59:59-14:00"}, "timestamp"),
            ({"source_id": ""}, "source_id"),
            ({"source_id": "x" * 201}, "source_id"),
            ({"tokens": 5}, "tokens"),
        ],
    )
    def test_a_bad_field_is_named(self, writer, fields, named):
        answer = self.post(writer, **fields)
        assert answer.status_code == 400
        assert named in answer.json()["error"]
        assert not CostRecord.objects.exists()

    def test_a_missing_field_is_named(self, writer):
        answer = post(writer, "/api/usage", {"user_id": "ann"})
        assert answer.status_code == 400
        assert "`model`" in answer.json()["error"]

    @pytest.mark.parametrize("body", ["{", "[]", "null", '"x"', b"\xff", '{"user_id": "\\ud800"}'])
    def test_what_is_no_object_is_refused(self, writer, body):
        answer = post(writer, "/api/usage", body)
        assert answer.status_code == 400
        assert answer.json()["error"]

    def test_a_known_key_books_nothing_and_tells_of_the_first(self, writer):
        first = self.post(writer, source_id="r1", cost=1)
        again = self.post(writer, source_id="r1", cost=99)
        assert (first.status_code, again.status_code) == (201, 200)
        assert exact(again) == exact(first) | {"created": False}
        assert CostRecord.objects.get().cost == 1

    def test_each_source_has_its_own_keys_and_the_api_is_the_one_unnamed(self, writer):
        assert self.post(writer, source_id="r1").status_code == 201
        assert self.post(writer, source_id="r1", source="bot").status_code == 201
        assert self.post(writer, source_id="r1", source="api").status_code == 200

    def test_the_standard_header_is_the_key_where_the_body_has_none(self, writer):
        header = {"Idempotency-Key": "r1"}
        assert self.post(writer, header).status_code == 201
        assert self.post(writer, header).status_code == 200
        assert self.post(writer, source_id="r1").status_code == 200
        assert self.post(writer, header, source_id="r2").status_code == 201

    def test_a_header_too_long_to_be_kept_is_refused(self, writer):
        answer = self.post(writer, {"Idempotency-Key": "x" * 201})
        assert answer.status_code == 400
        assert "Idempotency-Key" in answer.json()["error"]

    def test_a_late_record_reaches_the_rollups_once(self, writer):
        ledger.seal(at(10))
        for _ in range(3):
            self.post(writer, source_id="late", timestamp=at(2).isoformat())
        assert ModelHour.objects.get().requests == 1

    def test_a_person_books_with_the_permission_only(self, signed_in, operator):
        signed_in.enforce_csrf_checks = False
        assert self.post(signed_in).status_code == 403
        operator.user_permissions.add(Permission.objects.get(codename="add_costrecord"))
        assert self.post(signed_in).status_code == 201

    def test_the_statements_are_few(self, writer, django_assert_num_queries):
        self.post(writer)
        with django_assert_num_queries(3 - CLAIM):  # key, marks, insert
            self.post(writer)
        with django_assert_num_queries(3 + CLAIM):
            self.post(writer, source_id="r1")
        with django_assert_num_queries(4 + CLAIM):  # and what the key stands for
            self.post(writer, source_id="r1")


@pytest.mark.django_db
class TestUserUsage:
    @pytest.fixture(autouse=True)
    def noon(self):
        with time_machine.travel(NOW, tick=False):
            yield

    def record(self, cost, hours_ago, **fields):
        ledger.record_usage(
            user_id="ann",
            model=fields.pop("model", "haiku"),
            input_tokens=10,
            output_tokens=5,
            cost=Decimal(cost),
            timestamp=NOW - timedelta(hours=hours_ago),
            **fields,
        )

    def test_every_key_of_the_origin_holds_its_own_window(self, reader):
        set_user_limits("ann", daily=10)
        self.record("0.1", 1, session_key="s")
        self.record("0.2", 1.5, session_key="s")
        self.record("2", 20, model="opus")
        self.record("4", 24 * 4)
        self.record("8", 24 * 10)
        answer = reader.get("/api/user/usage", {"user_id": "ann"})
        assert answer.status_code == 200
        assert exact(answer) == {
            "user_id": "ann",
            "total_requests": 5,
            "total_cost": Decimal("14.3"),
            "daily_cost": Decimal("0.3"),
            "monthly_cost": Decimal("14.3"),
            "weekly_cost": Decimal("6.3"),
            "session_cost": Decimal("0.3"),
            "session_duration": "30m",
            "daily_limit": 10,
            "monthly_limit": None,
            "daily_percentage": 3,
            "monthly_percentage": None,
            "model_breakdown": {
                "haiku": {
                    "requests": 4,
                    "cost": Decimal("12.3"),
                    "input_tokens": 40,
                    "output_tokens": 20,
                },
                "opus": {"requests": 1, "cost": 2, "input_tokens": 10, "output_tokens": 5},
            },
            "recent_24h": 3,
            "last_reset": "2025-10-24T00:00:00Z",
        }

    def test_a_user_unheard_of_is_all_zero_and_not_made(self, reader):
        answer = reader.get("/api/user/usage?user_id=nobody")
        assert answer.status_code == 200
        assert answer.json()["total_requests"] == answer.json()["total_cost"] == 0
        assert answer.json()["session_duration"] is answer.json()["daily_limit"] is None
        assert not SpendingLimit.objects.exists()

    @pytest.mark.parametrize("query", ["", "?user_id=", f"?user_id={'x' * 65}", "?user_id=a%00"])
    def test_a_user_must_be_named(self, reader, query):
        answer = reader.get(f"/api/user/usage{query}")
        assert answer.status_code == 400
        assert "user_id" in answer.json()["error"]

    def test_the_statements_do_not_grow_with_the_records(self, reader, django_assert_num_queries):
        with django_assert_num_queries(21):
            reader.get("/api/user/usage?user_id=nobody")
        for hours in range(30):
            self.record("1", hours, model=f"model-{hours}")
        ledger.seal()
        with django_assert_num_queries(21):
            reader.get("/api/user/usage?user_id=ann")


@pytest.mark.django_db
class TestBooks:
    def test_what_came_over_the_api_leaves_the_ledger_sound(self, writer):
        ledger.seal(at(10))
        for number in range(10):
            post(writer, "/api/usage", USAGE | {"timestamp": at(number * 2).isoformat()})
        assert [check for check in audit.check() if check.wrong] == []
