from datetime import UTC, datetime
from decimal import Decimal
from io import BytesIO
from pathlib import Path

import pytest

from costs import audit, ledger, windows
from costs.limits import set_user_limits
from costs.models import CostRecord, ImportedUsage, SpendingLimit, UsageImport
from costs.money import to_nano
from costs.usage_json import Options, Refused, import_file
from costs.windows import EPOCH, FOREVER, Spend
from tests.costs.botfile import BotFile, record, user


def lifetime(user_id):
    return windows.spend(EPOCH, FOREVER, user_id=user_id)


def options(**fields):
    return Options(**{"backup": False, **fields})


@pytest.mark.django_db
class TestImport:
    def test_each_users_lifetime_totals_equal_the_files(self, bot):
        bot.add("222", 2500, cost=0.0034424).add("333", 1000).add("444", 0)
        report = import_file(bot.save())
        stated = Decimal(str(sum([0.0034424] * 2500)))
        assert lifetime("222") == Spend(2500, to_nano(stated))
        assert lifetime("333").requests == 1000
        assert lifetime("444") == Spend()
        assert report.proven
        assert CostRecord.objects.filter(user_id="222").count() == 1001

    def test_what_is_no_longer_kept_is_carried_forward_just_before_what_is(self, bot):
        bot.add("222", 1203)
        import_file(bot.save())
        carried = CostRecord.objects.get(request_type="carried_forward")
        first = CostRecord.objects.exclude(id=carried.id).order_by("timestamp").first()
        assert carried.requests == 203
        assert (first.timestamp - carried.timestamp).total_seconds() == 0.000001

    def test_a_second_import_adds_nothing(self, bot):
        path = bot.add("222", 1500).add("333", 7).save()
        import_file(path)
        before = windows.by_user(EPOCH, FOREVER)
        report = import_file(path)
        assert (report.sum("added"), report.sum("skipped")) == (0, 1007)
        assert windows.by_user(EPOCH, FOREVER) == before

    def test_a_grown_file_adds_the_news_only(self, bot):
        import_file(bot.add("222", 1500).save())
        assert import_file(bot.add("222", 3).save()).sum("added") == 3
        assert lifetime("222").requests == 1503

    def test_a_file_grown_by_more_than_it_keeps_carries_the_gap_forward(self, bot):
        import_file(bot.add("222", 10).save())
        report = import_file(bot.add("222", 1700).save())
        assert (report.sum("added"), report.sum("carried_requests")) == (1000, 700)
        assert lifetime("222").requests == 1710

    def test_records_equal_in_every_field_are_each_kept(self, bot):
        twin = {"timestamp": "2025-10-16T15:15:00"}
        import_file(bot.add("222", 2, **twin, input_tokens=5).save())
        assert CostRecord.objects.count() == 2
        assert import_file(bot.add("222", 1, **twin, input_tokens=5).save()).sum("added") == 1

    def test_an_import_after_a_prune_adds_nothing_twice(self, bot):
        path = bot.add("222", 1200).save()
        import_file(path)
        list(ledger.prune(datetime(2026, 1, 1, tzinfo=UTC)))
        assert not CostRecord.objects.exists()
        import_file(path)
        import_file(bot.add("222", 2).save())
        assert lifetime("222").requests == 1202
        assert [check for check in audit.check() if check.wrong] == []

    def test_records_older_than_the_seal_are_in_the_rollups(self, bot):
        ledger.seal(datetime(2025, 11, 1, tzinfo=UTC))
        import_file(bot.add("222", 40).save())
        assert lifetime("222").requests == 40
        assert [check for check in audit.check() if check.wrong] == []

    def test_what_others_recorded_for_the_user_stays_beside_it(self, bot):
        ledger.record_usage(user_id="222", model="x", input_tokens=1, output_tokens=1, cost=5)
        import_file(bot.add("222", 3).save())
        assert lifetime("222").requests == 4

    def test_two_bots_are_told_apart_by_their_source(self, tmp_path):
        import_file(BotFile(tmp_path / "a.json").add("222", 5).save())
        other = BotFile(tmp_path / "b.json").add("222", 9, model="sonnet").save()
        with pytest.raises(Refused, match=r"another bot's file\? then name it by --source NAME"):
            import_file(other)
        import_file(other, options(source="second bot"))
        assert lifetime("222").requests == 14

    def test_an_older_copy_is_refused(self, bot):
        old = bot.add("222", 5).save().read_text()
        import_file(bot.add("222", 5).save())
        bot.path.write_text(old)
        with pytest.raises(Refused, match="10 requests were already taken over, the file counts 5"):
            import_file(bot.path)

    def test_a_dry_run_reports_the_same_and_writes_nothing(self, bot):
        path = bot.add("222", 1100).save()
        rehearsed = import_file(path, options(dry_run=True))
        assert not CostRecord.objects.exists()
        assert not ImportedUsage.objects.exists()
        assert not SpendingLimit.objects.exists()
        assert not UsageImport.objects.exists()
        done = import_file(path, options())
        assert rehearsed.proven
        assert rehearsed.lines == done.lines
        assert (rehearsed.saved, done.saved) == (False, True)

    def test_the_report_is_kept(self, bot):
        import_file(bot.add("222", 1100).add("333", 2).save())
        kept = UsageImport.objects.get()
        assert (kept.users, kept.records_read, kept.records_added) == (2, 1002, 1002)
        assert (kept.requests_carried_forward, kept.records_skipped) == (100, 0)
        assert (kept.requests_before, kept.requests_after) == (0, 1102)
        assert kept.cost_nano_after == windows.spend(EPOCH, FOREVER).cost_nano
        assert kept.size == bot.path.stat().st_size
        assert [line["user_id"] for line in kept.report["users"]] == ["222", "333"]

    def test_the_file_is_copied_first_and_never_changed(self, bot, settings, tmp_path):
        settings.DATA_DIR = tmp_path / "data"
        content = bot.add("222", 2).save().read_bytes()
        copy = Path(import_file(bot.path).backup)
        assert copy.parent == tmp_path / "data" / "backups"
        assert copy.read_bytes() == content == bot.path.read_bytes()
        assert import_file(bot.path).backup == str(copy)
        assert len(list(copy.parent.iterdir())) == 1

    def test_a_file_that_changes_while_it_is_read_is_refused(self, bot):
        path = bot.add("222", 2).save()

        def read_before_the_bot_saves(file, size):
            content = BytesIO(file.read())
            bot.add("222", 1).save()
            return content

        with pytest.raises(Refused, match="changed while it was read; import it again"):
            import_file(path, Options(watch_reading=read_before_the_bot_saves))
        assert not CostRecord.objects.exists()

    def test_limits_and_the_last_warning_come_along_once(self, write):
        path = write(
            {
                "222": user(
                    limits={"daily": 5.0, "monthly": None}, last_warning="2025-10-20T08:00:00"
                )
            }
        )
        import_file(path, options())
        limit = SpendingLimit.objects.get()
        assert (limit.daily_limit_nano, limit.monthly_limit_nano) == (5 * 10**9, None)
        assert limit.last_warning_at == datetime(2025, 10, 20, 8, tzinfo=UTC)
        limit.delete()
        import_file(path, options())
        assert not SpendingLimit.objects.exists()

    def test_limits_set_here_are_kept_and_the_report_says_so(self, write):
        set_user_limits("222", daily=1)
        report = import_file(write({"222": user()}), options())
        assert SpendingLimit.objects.get().daily_limit_nano == 10**9
        assert report.notes == {"limits of user '222': those set here are kept": 1}

    def test_no_limits_in_the_file_are_no_limits_here(self, write):
        import_file(write({"222": user(limits=None)}), options())
        assert not SpendingLimit.objects.exists()


@pytest.mark.django_db
class TestContradictions:
    def test_float_drift_is_reported_and_not_booked(self, write):
        report = import_file(write({"222": user(total_cost=0.0036 + 3e-9)}), options())
        assert report.lines[0].drift_nano == 3
        assert lifetime("222").cost_nano == 3_600_000

    def test_a_cost_above_drift_is_booked_even_without_missing_requests(self, write):
        import_file(write({"222": user(total_cost=0.0037)}), options())
        assert lifetime("222") == Spend(3, 3_700_000)

    def test_sub_nano_costs_are_no_contradiction(self, write):
        records = [record(number, cost=6e-10) for number in range(9)]
        report = import_file(write({"222": user(records)}), options())
        assert (report.lines[0].drift_nano, report.proven) == (5 - 9, True)
        assert import_file(write({"222": user(records)}), options()).sum("added") == 0

    @pytest.mark.parametrize(
        ("stated", "cause", "spent"),
        [
            ({"total_cost": 0.001}, "records cost more than total_cost", Spend(3, 3_600_000)),
            ({"total_requests": 2}, "3 records exceed total_requests 2", Spend(3, 3_600_000)),
        ],
    )
    def test_records_beyond_the_totals_are_refused_unless_trusted(
        self, write, stated, cause, spent
    ):
        path = write({"222": user(**stated)})
        with pytest.raises(Refused, match=f"{cause}.*--accept-contradictions"):
            import_file(path, options())
        assert not CostRecord.objects.exists()
        import_file(path, options(trust_records=True))
        assert lifetime("222") == spent
        import_file(path, options(trust_records=True))
        assert lifetime("222") == spent

    def test_a_contradicting_file_that_grows_adds_the_news_only(self, write):
        records = [record(number) for number in range(4)]
        stated = {"total_requests": 2, "total_cost": 0.0036}
        import_file(write({"222": user(records[:3], **stated)}), options(trust_records=True))
        stated = {"total_requests": 3, "total_cost": 0.0048}
        import_file(write({"222": user(records, **stated)}), options(trust_records=True))
        assert lifetime("222") == Spend(4, 4_800_000)
