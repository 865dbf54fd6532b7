import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError, OperationalError, connection, transaction

from costs import audit, ledger, partitions, windows
from costs.models import CostRecord, LedgerState
from costs.partitions import patience
from costs.partitions.months import OTHER, TABLE
from costs.windows import EPOCH, FOREVER
from tests.costs.partitioned import AHEAD, NOW, figures, fill, names, on_postgresql, rows, usage

pytestmark = on_postgresql
APRIL, MAY = datetime(2026, 4, 1, tzinfo=UTC), datetime(2026, 5, 20, tzinfo=UTC)
WAITS = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = %s::regclass"


def outside():
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {OTHER}")
        return cursor.fetchone()[0]


def extend(count=AHEAD, now=NOW):
    return [(str(month), moved) for month, moved in partitions.extend(now, count)]


@pytest.mark.usefixtures("divided")
class TestExtend:
    def test_the_months_to_come_are_made_once(self):
        assert extend(AHEAD + 2) == [("2026-05", 0), ("2026-06", 0)]
        assert extend(AHEAD + 2) == []
        assert names() == ["2026-02", "2026-03", "2026-04", "2026-05", "2026-06"]

    def test_two_runs_at_once_make_a_month_once(self):
        one = partitions.extend(NOW, AHEAD + 2)
        assert str(next(one)[0]) == "2026-05"
        assert extend(AHEAD + 2) == [("2026-06", 0)]
        assert [moved for _, moved in one] == [0]

    def test_a_new_month_takes_over_its_records(self):
        ledger.record_many([usage(MAY, source_id="k"), usage(MAY + timedelta(days=20))])
        ledger.seal(MAY)
        before = rows(), figures()
        assert outside() == 2
        assert extend(AHEAD + 1) == [("2026-05", 1)]
        assert outside() == 1
        assert (rows(), figures()) == before

    def test_a_key_that_moved_is_known(self):
        ledger.record_many([usage(MAY, source_id="k")])
        extend(AHEAD + 1)
        for at in (MAY, NOW):
            assert not ledger.record_many([usage(at, source_id="k")])[0].created
        record = {"timestamp": MAY, "user_id": "x", "cost_nano": 1, "source": "api"}
        with pytest.raises(IntegrityError), transaction.atomic():
            CostRecord.objects.create(**record, source_id="k")

    def test_older_records_that_came_later_get_their_months(self):
        ledger.record_many([usage(NOW - timedelta(days=days)) for days in (100, 140, 5000)])
        assert extend() == [("2025-09", 1), ("2025-11", 1)]
        assert outside() == 1


@pytest.mark.django_db
class TestDrop:
    @pytest.fixture(autouse=True)
    def _filled(self):
        fill()
        partitions.convert(NOW, AHEAD)

    def prune(self, before):
        return sum(ledger.prune(before))

    def test_whole_months_go_and_no_sum_changes(self):
        everything = windows.by_user(EPOCH, FOREVER), windows.by_model(EPOCH, FOREVER)
        before = partitions.before(NOW, 2)
        old = CostRecord.objects.before(before).count()
        assert self.prune(before) == old
        assert names()[0] == "2025-12"
        assert not CostRecord.objects.before(before).exists()
        assert LedgerState.objects.get().pruned_before == before
        assert (windows.by_user(EPOCH, FOREVER), windows.by_model(EPOCH, FOREVER)) == everything
        assert [check for check in audit.check() if check.wrong] == []

    def test_every_figure_is_that_of_a_prune_row_by_row(self, monkeypatch):
        before = partitions.before(NOW, 2)
        with transaction.atomic():
            monkeypatch.setattr(ledger, "drop", lambda before: iter(()))
            self.prune(before)
            by_row = rows(), figures(), LedgerState.objects.values().get()
            transaction.set_rollback(True)
        monkeypatch.undo()
        self.prune(before)
        assert (rows(), figures(), LedgerState.objects.values().get()) == by_row

    def test_the_rest_of_a_month_goes_row_by_row(self):
        before = datetime(2025, 12, 11, 7, tzinfo=UTC)
        self.prune(before)
        assert names()[0] == "2025-12"
        assert CostRecord.objects.earliest("timestamp").timestamp >= before
        assert [check for check in audit.check() if check.wrong] == []

    def test_a_late_record_of_a_dropped_month_is_booked_and_goes_the_next_time(self):
        before = partitions.before(NOW, 2)
        self.prune(before)
        requests = windows.spend(EPOCH, FOREVER).requests
        ledger.record_many([usage(before - timedelta(days=1))])
        assert windows.spend(EPOCH, FOREVER).requests == requests + 1
        assert self.prune(before) == 1
        assert windows.spend(EPOCH, FOREVER).requests == requests + 1
        assert extend() == []

    def test_two_runs_at_once_drop_a_month_once(self):
        before = partitions.before(NOW, 2)
        old = CostRecord.objects.before(before).count() - 1  # of 1970: in no month
        ledger.seal(before)
        one = partitions.drop(before)
        dropped = next(one)
        assert dropped + sum(partitions.drop(before)) == old
        assert list(one) == []

    def test_no_later_partition_is_looked_into(self):
        told = []

        def explain(execute, sql, params, *rest):
            if sql.startswith("DELETE"):
                with connection.cursor() as cursor:
                    cursor.cursor.execute(f"EXPLAIN {sql}", params)
                    told.extend(line for (line,) in cursor.fetchall())
            return execute(sql, params, *rest)

        with connection.execute_wrapper(explain):
            self.prune(datetime(2025, 12, 11, tzinfo=UTC))
        assert f"{TABLE}_2025_12" in " ".join(told)
        assert f"{TABLE}_2026" not in " ".join(told)


@contextmanager
def reading():
    """A connection that has read the records, and holds its transaction open until released."""
    begun, release = threading.Event(), threading.Event()

    def read():
        with transaction.atomic():
            CostRecord.objects.count()
            begun.set()
            release.wait(20)
        connection.close()

    thread = threading.Thread(target=read)
    thread.start()
    assert begun.wait(20)
    try:
        yield release
    finally:
        release.set()
        thread.join(20)


def somebody_waits():
    for _ in range(20_000):
        with connection.cursor() as cursor:
            cursor.execute(WAITS, [TABLE])
            if cursor.fetchone()[0]:
                return True
    return False


@pytest.fixture
def brief(monkeypatch):
    monkeypatch.setattr(patience, "PAUSE", 0.05)


@pytest.mark.usefixtures("brief")
class TestBesideOthers:
    def drop(self):
        try:
            return sum(ledger.prune(partitions.before(NOW, 1)))
        finally:
            connection.close()

    def test_a_drop_waits_for_who_reads_and_holds_nobody_up_for_long(self, divided_for_all):
        longest = 0.0
        with ThreadPoolExecutor(1) as pool, reading() as release:
            dropping = pool.submit(self.drop)
            assert somebody_waits()
            for number in range(20):
                began = time.monotonic()
                CostRecord.objects.first()
                ledger.record_many([usage(NOW, source_id=str(number))])
                longest = max(longest, time.monotonic() - began)
            assert not dropping.done()
            assert names()[0] == "2025-08"
            release.set()
            assert dropping.result(20) > 0
        assert names()[0] == "2026-01"
        assert longest < 5  # as long as the other may wait, and no longer: 0.2 s

    def test_it_gives_up_where_somebody_never_ends(self, divided_for_all, monkeypatch):
        monkeypatch.setattr(patience, "TRIES", 2)
        before = rows()
        with reading(), pytest.raises(OperationalError, match="lock timeout"):
            list(partitions.drop(partitions.before(NOW, 1)))
        assert rows() == before

    def test_a_table_that_somebody_reads_without_end_stays_as_it_is(self, given_back, monkeypatch):
        monkeypatch.setattr(patience, "TRIES", 2)
        fill()
        before = rows()
        with reading(), pytest.raises(OperationalError, match="lock timeout"):
            partitions.convert(NOW, AHEAD)
        assert not partitions.is_partitioned()
        assert rows() == before

    def test_others_read_while_the_copy_is_made_and_write_after_it(self, given_back):
        fill()
        records = CostRecord.objects.count()
        with ThreadPoolExecutor(3) as pool, reading() as release:
            converting = pool.submit(self.convert)
            assert somebody_waits()
            first = CostRecord.objects.earliest("id").pk
            changing = [pool.submit(self.write), pool.submit(self.delete, first)]
            for _ in range(20):
                assert CostRecord.objects.count() == records
            release.set()
            converting.result(20)
            assert [change.result(20) for change in changing] == [1, 1]
        assert CostRecord.objects.count() == records
        assert not CostRecord.objects.filter(pk=first).exists()
        assert partitions.is_partitioned()

    def convert(self):
        partitions.convert(NOW, AHEAD)
        connection.close()

    def write(self):
        booked = ledger.record_many([usage(NOW)])
        connection.close()
        return len(booked)

    def delete(self, key):
        deleted, _ = CostRecord.objects.filter(pk=key).delete()
        connection.close()
        return deleted

    def test_nothing_is_lost_while_months_come_and_go(self, divided_for_all):
        stop = threading.Event()
        requests = windows.spend(EPOCH, FOREVER).requests

        def write(months):
            written = 0
            while not stop.is_set():
                ledger.record_many([usage(MAY + timedelta(days=31 * months, hours=written))])
                written += 1
            connection.close()
            return written

        def read():
            counted = requests
            while not stop.is_set():
                found = windows.spend(EPOCH, FOREVER).requests
                assert found >= counted
                counted = found
            connection.close()

        with ThreadPoolExecutor(3) as pool:
            hands = [pool.submit(write, 0), pool.submit(write, -5)]
            reader = pool.submit(read)
            for turn in range(6):
                extend(AHEAD + turn)
                sum(ledger.prune(partitions.before(NOW, 6 - turn)))
            stop.set()
            written = sum(hand.result(20) for hand in hands)
            reader.result(20)
        assert written > 0
        assert windows.spend(EPOCH, FOREVER).requests == requests + written
        assert [check for check in audit.check() if check.wrong] == []
