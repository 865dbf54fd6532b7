import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

from costs import windows
from costs.models import CostRecord, UsageImport
from costs.windows import EPOCH, FOREVER
from tests.costs.botfile import BotFile


def applied():
    return ("costs", "0002_import_usage_json") in MigrationRecorder(connection).applied_migrations()


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
