import subprocess
import sys
import threading
from pathlib import Path

import pytest
from django.db import connection, transaction

from costs import audit, ledger, windows
from costs.models import ModelHour
from costs.usage import Usage
from costs.windows import EPOCH, FOREVER, Spend
from tests.costs.botfile import BotFile
from tests.costs.brute import at

ROOT = Path(__file__).parents[2]
WRITERS, WRITTEN = 8, 60
SETTLED = Spend(500, 500 * 10**9)


def settle_some_history():
    """Records of a user nobody else writes for, so that each of the user's windows is known."""
    ledger.record_many(
        [
            Usage(
                user_id="settled",
                model="opus",
                input_tokens=1,
                output_tokens=1,
                cost=1,
                timestamp=at(48 * number / SETTLED.requests),
            )
            for number in range(SETTLED.requests)
        ]
    )


@pytest.mark.django_db(transaction=True)
class TestManyProcesses:
    @pytest.fixture
    def hand(self, process_settings):
        def hand(task, seed, count):
            command = [sys.executable, "-m", "tests.costs.hand", task, str(seed), str(count)]
            return subprocess.Popen(
                command, cwd=ROOT, env=process_settings, stderr=subprocess.PIPE, text=True
            )

        return hand

    def test_nothing_is_lost_and_no_window_is_off_while_others_seal_and_prune(self, hand):
        settle_some_history()
        hands = [hand("write", seed, WRITTEN) for seed in range(WRITERS)]
        hands += [hand("seal", 0, 40), hand("prune", 0, 24)]
        counted = 0
        while any(process.poll() is None for process in hands):
            assert windows.spend(at(0), at(48), user_id="settled") == SETTLED
            assert windows.totals(at(0), at(48), model="opus").cost_nano == SETTLED.cost_nano
            everything = windows.spend(EPOCH, FOREVER).requests
            assert everything >= counted
            counted = everything
            connection.close()
        for process in hands:
            _, errors = process.communicate()
            assert (process.returncode, errors) == (0, "")
        new = Spend(WRITERS * WRITTEN, WRITERS * WRITTEN)
        assert windows.spend(EPOCH, FOREVER) == Spend(
            SETTLED.requests + new.requests, SETTLED.cost_nano + new.cost_nano
        )
        assert [check for check in audit.check() if check.wrong] == []

    def test_two_imports_of_one_file_at_once_take_it_over_once(self, process_settings, tmp_path):
        path = BotFile(tmp_path / "usage.json").add("222", 1300).save()
        command = [sys.executable, "manage.py", "import_usage", str(path)]
        both = [
            subprocess.Popen(
                command, cwd=ROOT, env=process_settings, stderr=subprocess.PIPE, text=True
            )
            for _ in range(2)
        ]
        for process in both:
            _, errors = process.communicate()
            assert (process.returncode, errors) == (0, "")
        assert windows.spend(EPOCH, FOREVER).requests == 1300


@pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite has one writer at a time")
@pytest.mark.django_db(transaction=True)
class TestSealAgainstOpenTransactions:
    """Two real connections that meet at the watermark, in either order."""

    @pytest.fixture
    def held(self):
        """Run a deed in a transaction of another thread, held open until released."""
        done, release = threading.Event(), threading.Event()

        def hold(deed):
            with transaction.atomic():
                deed()
                done.set()
                release.wait(20)
            connection.close()

        def held(deed):
            thread = threading.Thread(target=hold, args=[deed])
            thread.start()
            assert done.wait(20)
            return thread

        held.release = release.set
        yield held
        release.set()

    def record_late(self):
        ledger.record_usage(
            user_id="ann", model="x", input_tokens=1, output_tokens=1, cost=1, timestamp=at(1)
        )

    def other(self, deed):
        def run():
            deed()
            connection.close()

        thread = threading.Thread(target=run)
        thread.start()
        return thread

    def wait_for_the_lock(self):
        waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        for _ in range(5000):
            with connection.cursor() as cursor:
                cursor.execute(waiting)
                if cursor.fetchone()[0]:
                    return
        raise AssertionError("nobody waits for the ledger")

    @pytest.mark.parametrize("first", ["insert", "seal"])
    def test_the_second_waits_for_the_first_and_the_record_is_in_the_rollups(self, held, first):
        deeds = {"insert": self.record_late, "seal": lambda: ledger.seal(at(2))}
        opened = held(deeds.pop(first))
        other = self.other(deeds.popitem()[1])
        self.wait_for_the_lock()
        assert other.is_alive()
        held.release()
        opened.join(20)
        other.join(20)
        assert ModelHour.objects.get().requests == 1
        assert windows.spend(at(0), at(2)) == Spend(1, 10**9)

    def test_batches_with_the_same_keys_in_another_order_do_not_lock_each_other_out(self):
        def batch(keys):
            ledger.record_many(
                [
                    Usage(
                        user_id="ann",
                        model="x",
                        input_tokens=1,
                        output_tokens=1,
                        cost=1,
                        source_id=str(key),
                    )
                    for key in keys
                ]
            )

        for round_ in range(20):
            keys = range(round_ * 100, round_ * 100 + 100)
            others = [self.other(lambda keys=keys: batch(keys)) for _ in range(2)]
            batch(reversed(keys))
            for other in others:
                other.join(20)
        assert windows.spend(EPOCH, FOREVER).requests == 2000

    def test_inserts_do_not_wait_for_one_another(self, held):
        held(self.record_late)
        self.record_late()
        assert windows.spend(at(0), at(2)) == Spend(1, 10**9)
