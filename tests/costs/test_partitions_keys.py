"""A source_id stands once in its source, though each month has an index of its own."""

import random
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest
from django.db import connection, transaction

from costs import audit, ledger, partitions
from costs.models import CostRecord
from costs.partitions.keys import KEYS_LOCK
from tests.costs.partitioned import NOW, on_postgresql, usage

THIS, LAST = NOW, NOW - timedelta(days=31)
OUTSIDE = datetime(1999, 1, 1, tzinfo=UTC)
LATER = datetime(2088, 1, 1, tzinfo=UTC)
ROUNDS, KEYS = 15, 12

pytestmark = on_postgresql


def book(timestamp, key="k", **fields):
    return ledger.record_many([usage(timestamp, source_id=key, **fields)])[0]


@pytest.mark.usefixtures("divided")
class TestRepeats:
    @pytest.mark.parametrize("sealed_to", [None, LAST, THIS])
    def test_a_known_key_is_the_first_one_whatever_its_time(self, sealed_to):
        if sealed_to:
            ledger.seal(sealed_to)
        times = [THIS, THIS + timedelta(days=1), LAST, OUTSIDE, LATER]
        for first, again in product(times, times):
            key = f"{first} {again}"
            assert book(first, key, cost=1).created
            receipt = book(again, key, cost=7)
            assert (receipt.cost, receipt.created) == (1, False)
            assert CostRecord.objects.get(source_id=key).timestamp == first
        assert [check for check in audit.check() if check.wrong] == []

    def test_another_source_is_another_key(self):
        book(THIS)
        assert book(LAST, source="bot").created

    def test_in_one_batch_the_first_one_counts(self):
        usages = [usage(at, source_id="k", cost=cost) for cost, at in ((1, LAST), (2, THIS))]
        told = [(receipt.cost, receipt.created) for receipt in ledger.record_many(usages)]
        assert told == [(1, True), (1, False)]

    def test_a_large_batch_is_told_apart(self):
        def batch(numbers, at):
            usages = [usage(at, source_id=str(number)) for number in numbers]
            return sum(receipt.created for receipt in ledger.record_many(usages))

        assert batch(range(1200), LAST) == 1200
        assert batch(range(600, 1800), THIS) == 600
        assert CostRecord.objects.count() == 1800

    def test_a_key_whose_month_is_dropped_is_new(self):
        book(LAST)
        ledger.seal(THIS)
        assert sum(ledger.prune(partitions.before(NOW, 0))) == 1
        assert book(LAST).created

    def test_records_without_a_key_ask_nothing_more(self, django_assert_num_queries):
        with django_assert_num_queries(1):  # the mark and the row
            ledger.record_many([usage(THIS)])


@pytest.mark.django_db
class TestWholeTable:
    def test_a_key_is_asked_for_in_one_message(self, django_assert_num_queries):
        book(THIS, "first")
        with django_assert_num_queries(3):  # the mark, the claim, the row
            book(THIS)
        with connection.cursor() as cursor:
            assert buckets(cursor) == 0


def buckets(cursor, granted="true"):
    """How many claims there are, of all transactions."""
    cursor.execute(
        "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"
        f" AND classid = {KEYS_LOCK} AND objsubid = 2 AND granted = {granted}"
    )
    return cursor.fetchone()[0]


def elsewhere(deed, *args):
    """Do a deed on the connection of a thread, and close it."""
    try:
        return deed(*args)
    finally:
        connection.close()


@pytest.fixture
def pool():
    with ThreadPoolExecutor(4) as pool:
        yield pool


def wait_for_a_claim():
    for _ in range(20_000):
        with connection.cursor() as cursor:
            if buckets(cursor, granted="false"):
                return
    raise AssertionError("nobody waits for a key")


@pytest.mark.usefixtures("divided_for_all")
class TestTwoConnections:
    @pytest.mark.parametrize("kept", [True, False])
    @pytest.mark.parametrize(("first", "second"), [(THIS, LAST), (LAST, THIS), (OUTSIDE, LAST)])
    def test_the_second_waits_until_the_key_is_known_or_free(self, pool, first, second, kept):
        ledger.seal(THIS)
        with transaction.atomic():
            book(first)
            other = pool.submit(elsewhere, book, second)
            wait_for_a_claim()
            transaction.set_rollback(not kept)
        assert other.result(20).created is not kept
        assert CostRecord.objects.filter(source_id="k").count() == 1
        assert [check for check in audit.check() if check.wrong] == []

    def test_who_writes_in_the_month_of_the_mark_waits_for_nobody(self, pool):
        ledger.seal(THIS)
        with transaction.atomic():
            ledger.record_many([usage(THIS, source_id=str(number)) for number in range(600)])
            other = pool.submit(elsewhere, book, THIS + timedelta(hours=5))
            assert other.result(20).created

    def test_the_same_keys_in_many_months_at_once_are_booked_once(self, pool):
        hands = [pool.submit(elsewhere, resend, seed) for seed in range(4)]
        for turn in range(10):
            ledger.seal(THIS - timedelta(days=40 - 4 * turn))
        assert sum(hand.result(60) for hand in hands) == ROUNDS * KEYS
        assert CostRecord.objects.filter(source="resent").count() == ROUNDS * KEYS
        assert [check for check in audit.check() if check.wrong] == []


def resend(seed):
    """Send the same keys as every other hand does, in an order and of days of its own; how many
    of them this one booked."""
    chance, booked = random.Random(seed), 0
    for turn in range(ROUNDS):
        usages = [
            usage(
                THIS - timedelta(days=chance.choice([0, 0, 0, 10, 31, 62, 90, 10_000])),
                source="resent",
                source_id=f"{turn}-{key}",
            )
            for key in chance.sample(range(KEYS), KEYS)
        ]
        booked += sum(receipt.created for receipt in ledger.record_many(usages))
    return booked
