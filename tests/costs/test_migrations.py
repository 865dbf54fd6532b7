from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction
from django.db.migrations.recorder import MigrationRecorder

from costs import audit, ledger, windows
from costs.lifetime import by_model
from costs.models import (
    ROLLUPS,
    CostRecord,
    LedgerState,
    SessionHour,
    SessionSpan,
    UsageImport,
)
from costs.usage import Usage
from costs.windows import EPOCH, FOREVER
from tests.costs.botfile import BotFile
from tests.costs.brute import at

NEEDS_SQLITE = pytest.mark.skipif(
    connection.vendor != "sqlite", reason="PostgreSQL keeps its columns"
)


def applied():
    return ("costs", "0011_import_usage_json") in MigrationRecorder(connection).applied_migrations()


@pytest.mark.django_db(transaction=True)
class TestImportOnMigrate:
    @pytest.fixture(autouse=True)
    def before(self, settings, tmp_path):
        settings.USAGE_JSON = tmp_path / "usage.json"
        call_command("migrate", "costs", "0001", verbosity=0)
        yield
        settings.USAGE_JSON = tmp_path / "none.json"
        call_command("migrate", verbosity=0)

    def test_the_file_is_taken_over_when_it_exists(self, settings):
        BotFile(settings.USAGE_JSON).add("222", 1200).save()
        call_command("migrate", verbosity=0)
        assert windows.spend(EPOCH, FOREVER).requests == 1200
        assert UsageImport.objects.get().file_name == "usage.json"

    def test_without_a_file_nothing_happens(self):
        call_command("migrate", verbosity=0)
        assert applied()
        assert not UsageImport.objects.exists()

    def test_a_bad_file_stops_the_migration_at_that_step(self, settings):
        settings.USAGE_JSON.write_text('{"222": ')
        with pytest.raises(CommandError, match=r"usage.json: line 1, byte 8: .* migrate again"):
            call_command("migrate", verbosity=0)
        assert not applied()
        assert not CostRecord.objects.exists()

    def test_backwards_removes_nothing_and_forwards_again_adds_nothing(self, settings):
        BotFile(settings.USAGE_JSON).add("222", 20).save()
        call_command("migrate", verbosity=0)
        call_command("migrate", "costs", "0001", verbosity=0)
        assert CostRecord.objects.count() == 20
        call_command("migrate", verbosity=0)
        assert CostRecord.objects.count() == 20


@pytest.mark.django_db(transaction=True)
class TestRollupsOnMigrate:
    """From a ledger that had no rollups by type and by session yet."""

    @pytest.fixture(autouse=True)
    def settled(self):
        yield
        call_command("migrate", verbosity=0)

    def book(self, *hours, **fields):
        given = {"user_id": "ann", "model": "haiku", "input_tokens": 1, "output_tokens": 2}
        given |= {"cost": 1, "session_key": "s"}
        ledger.record_many([Usage(timestamp=at(hour), **given | fields) for hour in hours])

    def migrate_again(self):
        call_command("migrate", "costs", "0002", verbosity=0)
        call_command("migrate", "costs", verbosity=0)

    def test_an_empty_ledger_and_one_never_sealed_have_none(self):
        self.migrate_again()
        self.book(1, 2)
        self.migrate_again()
        assert not SessionHour.objects.exists()
        assert windows.by_type(EPOCH, FOREVER)["chat"].requests == 2

    def test_the_records_that_are_kept_fill_them(self):
        self.book(1, 2, 25, 26, 30)
        self.book(2.5, 27, request_type="code", session_key="")
        ledger.seal(at(28))
        types, sessions = windows.by_type(EPOCH, FOREVER), windows.by_session(EPOCH, FOREVER, 9)
        self.migrate_again()
        assert windows.by_type(EPOCH, FOREVER) == types
        assert windows.by_session(EPOCH, FOREVER, 9) == sessions
        assert [check for check in audit.check() if check.wrong] == []

    def test_what_was_pruned_is_of_no_known_model_of_its_user(self):
        self.book(1, 2, 25, 26, 24 * 9)
        self.book(3, 27, model="opus", user_id="bob")
        list(ledger.prune(at(26)))
        self.book(2.75, model="late")
        ledger.seal(at(24 * 9))
        self.migrate_again()
        assert {
            user: {model: total.requests for model, total in models.items()}
            for user, models in by_model(["ann", "bob"]).items()
        } == {"ann": {"": 3, "late": 1, "haiku": 2}, "bob": {"": 1, "opus": 1}}
        assert [check for check in audit.check() if check.wrong] == []

    def test_what_was_pruned_is_of_no_known_type_but_for_late_records(self):
        self.book(1, 2, 2.5, 25, 26, 30)
        self.book(25.5, model="opus", request_type="")
        list(ledger.prune(at(26)))
        self.book(2.75, request_type="late", session_key="t")
        ledger.seal(at(28))
        self.migrate_again()
        types = windows.by_type(EPOCH, FOREVER)
        assert {name: total.requests for name, total in types.items()} == {
            "": 5,
            "chat": 2,
            "late": 1,
        }
        for start, end in [(0, 24), (2, 3), (24, 26), (20.5, 29)]:
            by_type, by_model = (
                sum(total.cost_nano for total in read(at(start), at(end)).values())
                for read in (windows.by_type, windows.by_model)
            )
            assert by_type == by_model
        assert [key for key, _ in windows.by_session(EPOCH, FOREVER, 9)] == ["s", "t"]
        assert [key for key, _ in windows.by_session(EPOCH, FOREVER, 1)] == ["s"]
        assert [check for check in audit.check() if check.wrong] == []


@pytest.mark.django_db(transaction=True)
class TestInstantsOnMigrate:
    """From a ledger that kept its times as text on SQLite."""

    @pytest.fixture(autouse=True)
    def settled(self):
        yield
        call_command("migrate", verbosity=0)

    def fill(self):
        given = {"user_id": "ann", "model": "haiku", "input_tokens": 1, "output_tokens": 2}
        instants = [EPOCH, at(1), at(1, 1), at(2) - timedelta(microseconds=1), at(25.5, 500_000)]
        for place, instant in enumerate(instants):
            key = f"s{place % 2}"
            ledger.record_usage(timestamp=instant, session_key=key, source_id=str(place), **given)
        ledger.seal(at(24))
        list(ledger.prune(at(1)))
        ledger.record_usage(timestamp=at(0.5, 7), **given)
        return instants[1:]

    def ledger(self):
        tables = (CostRecord, SessionSpan, LedgerState, *ROLLUPS)
        return [list(table.objects.order_by("pk").values()) for table in tables]

    def test_there_and_back_no_row_changes(self):
        self.fill()
        before = self.ledger()
        call_command("migrate", "costs", "0008", verbosity=0)
        call_command("migrate", verbosity=0)
        assert self.ledger() == before
        assert [check for check in audit.check() if check.wrong] == []

    @NEEDS_SQLITE
    def test_back_they_are_texts_as_django_writes_them(self):
        instants = self.fill()
        call_command("migrate", "costs", "0008", verbosity=0)
        with connection.cursor() as cursor:
            cursor.execute("SELECT CAST(timestamp AS TEXT) FROM costs_costrecord ORDER BY id")
            texts = [text for (text,) in cursor.fetchall()]
        assert texts[:4] == [*map(connection.ops.adapt_datetimefield_value, instants)]

    @NEEDS_SQLITE
    def test_the_rules_of_the_tables_hold_again(self):
        self.fill()
        call_command("migrate", "costs", "0008", verbosity=0)
        call_command("migrate", verbosity=0)
        record = CostRecord.objects.first()
        for wrong in ({"timestamp": EPOCH - timedelta(microseconds=1)}, {"cost_nano": -1}):
            with pytest.raises(IntegrityError), transaction.atomic():
                CostRecord.objects.filter(pk=record.pk).update(**wrong)
        with connection.cursor() as cursor:
            cursor.execute("SELECT name FROM sqlite_master WHERE type = 'index'")
            names = {name for (name,) in cursor.fetchall()}
        assert {index.name for index in CostRecord._meta.indexes} <= names
