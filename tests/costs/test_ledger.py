from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
import time_machine
from django.db import connection

from costs import ledger, windows
from costs.ledger import record_many, record_usage
from costs.models import ROLLUPS, CostRecord, LedgerState, ModelHour
from costs.usage import InvalidUsage, Usage
from costs.windows import Spend
from tests.costs.brute import at

NOW = datetime(2025, 10, 24, 12, 30, tzinfo=UTC)


def usage(**fields):
    plain = {"user_id": "ann", "model": "haiku", "input_tokens": 1000, "output_tokens": 100}
    return {**plain, **fields}


@pytest.mark.django_db
class TestRecordUsage:
    @time_machine.travel(NOW, tick=False)
    def test_it_stores_one_row_dated_now_and_priced_by_the_table(self):
        receipt = record_usage(**usage())
        record = CostRecord.objects.get()
        assert record.timestamp == NOW
        assert (record.user_id, record.model, record.request_type) == ("ann", "haiku", "chat")
        assert (record.input_tokens, record.output_tokens, record.requests) == (1000, 100, 1)
        assert record.source == "api"
        assert receipt.cost == record.cost == Decimal("0.0012")
        assert receipt.created
        assert receipt.priced
        assert record.priced_by == receipt.priced_by

    def test_cache_tokens_are_priced_too(self):
        receipt = record_usage(
            **usage(
                model="claude-opus-4-6",
                input_tokens=0,
                output_tokens=0,
                cache_write_1h_tokens=200_000,
                timestamp=NOW + timedelta(days=365),
            )
        )
        assert receipt.cost == 2

    def test_a_given_cost_is_taken_as_it_is(self):
        assert record_usage(**usage(cost=Decimal("0.123456789"))).cost_nano == 123_456_789
        assert CostRecord.objects.get().priced_by == "given"

    def test_an_unknown_model_costs_nothing_and_is_marked(self):
        receipt = record_usage(**usage(model="claude-nine"))
        assert not receipt.priced
        assert receipt.cost == 0
        assert CostRecord.objects.unpriced().get().model == "claude-nine"

    def test_a_repeated_key_records_nothing_and_answers_the_first_receipt(self):
        first = record_usage(**usage(source_id="r1", cost=1))
        again = record_usage(**usage(source_id="r1", cost=99))
        other = record_usage(**usage(source_id="r1", cost=2, source="bot"))
        assert (again.cost, again.created) == (1, False)
        assert first.created
        assert other.created
        assert windows.spend(windows.EPOCH, windows.FOREVER) == Spend(2, 3 * 10**9)

    def test_a_repeated_late_record_is_added_to_the_rollups_once(self):
        ledger.seal(at(10))
        for _ in range(3):
            record_usage(**usage(source_id="late", cost=1, timestamp=at(2)))
        assert ModelHour.objects.get().requests == 1

    def test_an_offset_is_turned_into_utc(self):
        berlin = datetime.fromisoformat("2025-10-26T02:30:00+02:00")
        record_usage(**usage(timestamp=berlin))
        assert CostRecord.objects.get().timestamp == datetime(2025, 10, 26, 0, 30, tzinfo=UTC)

    @pytest.mark.parametrize(
        ("fields", "field"),
        [
            ({"user_id": ""}, "user_id"),
            ({"user_id": "x" * 65}, "user_id"),
            ({"user_id": 5}, "user_id"),
            ({"user_id": "a\0b"}, "user_id"),
            ({"user_id": "\ud800"}, "user_id"),
            ({"model": None}, "model"),
            ({"model": "x" * 101}, "model"),
            ({"input_tokens": -1}, "input_tokens"),
            ({"output_tokens": 10**12 + 1}, "output_tokens"),
            ({"cache_read_tokens": 1.5}, "cache_read_tokens"),
            ({"cache_write_5m_tokens": True}, "cache_write_5m_tokens"),
            ({"cost": Decimal("NaN")}, "cost"),
            ({"cost": Decimal(-1)}, "cost"),
            ({"cost": Decimal("1e30")}, "cost"),
            ({"timestamp": datetime(2025, 1, 1)}, "timestamp"),
            ({"timestamp": datetime(1969, 1, 1, tzinfo=UTC)}, "timestamp"),
            ({"source": ""}, "source"),
            ({"source_id": ""}, "source_id"),
            ({"web_searches": -1}, "web_searches"),
            ({"web_searches": 10**12}, "cost"),
            ({"input_tokens": 10**12, "model": "opus"}, "cost"),
        ],
    )
    def test_it_refuses_bad_input_and_names_the_field(self, fields, field):
        with pytest.raises(InvalidUsage, match=f"^{field}: ") as refusal:
            record_usage(**usage(**fields))
        assert refusal.value.field == field
        assert not CostRecord.objects.exists()

    def test_a_look_at_the_marks_is_all_it_takes_beside_the_insert(self, django_assert_num_queries):
        with django_assert_num_queries(1 if connection.vendor == "postgresql" else 2):
            record_usage(**usage())


@pytest.mark.django_db
class TestRecordMany:
    def test_all_or_nothing_and_the_place_of_the_fault(self):
        good, bad = Usage(**usage()), Usage(**usage(input_tokens=-1))
        with pytest.raises(InvalidUsage) as refusal:
            record_many([good, good, bad])
        assert refusal.value.place == 2
        assert not CostRecord.objects.exists()

    def test_equal_requests_without_a_key_are_each_kept(self):
        record_many([Usage(**usage(timestamp=at(0)))] * 3)
        assert CostRecord.objects.count() == 3

    def test_a_key_twice_in_one_batch_counts_once(self):
        receipts = record_many([Usage(**usage(source_id="k"))] * 2)
        assert [receipt.created for receipt in receipts] == [True, False]

    def test_nothing_is_nothing(self):
        assert record_many([]) == []


@pytest.mark.django_db
class TestSeal:
    def test_by_default_it_seals_the_hours_that_are_over(self):
        with time_machine.travel(NOW, tick=False):
            record_usage(**usage(timestamp=at(11.5)))
            record_usage(**usage(timestamp=at(12.25)))
            assert ledger.seal()
            assert not ledger.seal()
        assert LedgerState.objects.get().sealed_to == at(12)
        assert ModelHour.objects.get().start == at(11)

    def test_it_may_seal_at_any_instant(self):
        for minute in range(10):
            record_usage(**usage(cost=1, timestamp=at(1, minute * 60_000_000)))
            ledger.seal(at(1, minute * 60_000_000 + 30_000_000))
        assert ModelHour.objects.get().requests == 10

    def test_it_never_moves_back(self):
        ledger.seal(at(5))
        assert not ledger.seal(at(4))
        assert LedgerState.objects.get().sealed_to == at(5)


@pytest.mark.django_db
class TestPrune:
    def test_raw_rows_go_and_their_sums_stay(self):
        record_many([Usage(**usage(cost=1, timestamp=at(hours))) for hours in range(10)])
        assert sum(ledger.prune(at(6.5), batch=4)) == 6
        assert CostRecord.objects.count() == 4
        assert windows.spend(at(0), at(10)) == Spend(10, 10 * 10**9)
        assert LedgerState.objects.get().pruned_before == at(6)

    def test_a_record_older_than_the_prune_still_counts(self):
        record_usage(**usage(cost=1, timestamp=at(1)))
        list(ledger.prune(at(5)))
        record_usage(**usage(cost=1, timestamp=at(1.5)))
        assert windows.spend(at(1), at(2)).requests == 2
        list(ledger.prune(at(5)))
        assert windows.spend(at(1), at(2)).requests == 2
        assert not CostRecord.objects.exists()

    def test_each_step_is_at_most_a_batch(self):
        record_many([Usage(**usage(timestamp=at(0, second))) for second in range(7)])
        assert list(ledger.prune(at(2), batch=3)) == [3, 3, 1]

    def test_nothing_to_prune_is_no_batch(self):
        assert list(ledger.prune(at(2))) == []


@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL vacuums by itself")
@pytest.mark.django_db(transaction=True)
class TestPruneOnDisk:
    def pragma(self, name):
        with connection.cursor() as cursor:
            return cursor.execute(f"PRAGMA {name}").fetchone()[0]

    def test_the_file_shrinks_with_each_batch(self):
        record_many([Usage(**usage(timestamp=at(0, second))) for second in range(5000)])
        full = self.pragma("page_count")
        sizes = [self.pragma("page_count") for _ in ledger.prune(at(2), batch=1000)]
        assert full > sizes[0] > sizes[2] > sizes[4]
        assert self.pragma("freelist_count") < full / 10


@pytest.mark.django_db
def test_every_rollup_holds_all_kinds_of_tokens():
    record_usage(
        **usage(
            cache_read_tokens=3,
            cache_write_5m_tokens=4,
            cache_write_1h_tokens=5,
            cost=1,
            timestamp=at(1),
            session_key="s",
        )
    )
    ledger.seal(at(2))
    for rollup in ROLLUPS:
        cell = rollup.objects.get()
        assert (
            cell.requests,
            cell.cost,
            cell.input_tokens,
            cell.output_tokens,
            cell.cache_read_tokens,
            cell.cache_write_5m_tokens,
            cell.cache_write_1h_tokens,
        ) == (1, 1, 1000, 100, 3, 4, 5)
