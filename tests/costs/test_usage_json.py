import json
import resource
import subprocess
import sys
from datetime import UTC, datetime
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from costs import audit, ledger, windows
from costs.limits import set_user_limits
from costs.models import CostRecord, ImportedUsage, SpendingLimit, UsageImport
from costs.money import to_nano
from costs.usage_json import Options, Refused, import_file
from costs.windows import EPOCH, FOREVER, Spend
from tests.costs.botfile import BotFile, record, user


@pytest.fixture
def bot(tmp_path):
    return BotFile(tmp_path / "usage.json")


@pytest.fixture
def write(tmp_path):
    def write(content):
        path = tmp_path / "usage.json"
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            path.write_text(content if isinstance(content, str) else json.dumps(content))
        return path

    return write


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
        assert CostRecord.objects.of_user("222").count() == 1001

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


@pytest.mark.django_db
class TestLayouts:
    def test_v0_without_weekly_and_session_fields(self, write):
        plain = {key: user()[key] for key in ("total_requests", "total_cost", "records", "limits")}
        import_file(write({"111": plain}), options())
        assert lifetime("111").requests == 3

    def test_unknown_fields_are_passed_over_and_named(self, write):
        records = [record(0, mood="good", nested={"a": [1, {"b": 2}]})]
        report = import_file(write({"222": user(records, colour=[1, 2])}), options())
        assert set(report.notes) == {
            "unknown field 'mood': passed over",
            "unknown field 'nested': passed over",
            "unknown field 'colour': passed over",
        }

    def test_null_and_missing_optional_fields(self, write):
        records = [record(0, model=None, request_type=None), record(1)]
        del records[1]["model"], records[1]["request_type"]
        import_file(write({"222": user(records, last_warning=None, last_reset=None)}), options())
        assert set(CostRecord.objects.values_list("model", "request_type")) == {("", "chat")}

    def test_an_unknown_model_keeps_the_cost_of_the_file(self, write):
        import_file(write({"222": user([record(model="claude-nine")])}), options())
        kept = CostRecord.objects.get()
        assert (kept.model, kept.cost, kept.priced_by) == ("claude-nine", Decimal("0.0012"), "file")

    @pytest.mark.parametrize("records", [[], None])
    def test_no_records_but_lifetime_totals(self, write, records):
        stated = user([], total_requests=7, total_cost=1.5)
        stated["records"] = records
        import_file(write({"222": stated}), options())
        kept = CostRecord.objects.get()
        assert (kept.requests, kept.cost) == (7, Decimal("1.5"))
        assert kept.timestamp == datetime(2025, 10, 16, 15, 15, 0, 123456, tzinfo=UTC)

    def test_no_users_at_all(self, write):
        assert import_file(write("{}"), options()).proven

    def test_the_order_of_the_fields_does_not_matter(self, write):
        import_file(write({"222": dict(reversed(user().items()))}), options())
        assert lifetime("222").requests == 3

    def test_a_user_id_may_be_an_e_mail(self, write):
        import_file(write({"ann@example.org": user(user_id="ann@example.org")}), options())
        assert lifetime("ann@example.org").requests == 3

    def test_a_byte_order_mark_is_passed_over_and_reported(self, write):
        path = write(b"\xef\xbb\xbf" + json.dumps({"222": user()}).encode())
        report = import_file(path, options())
        assert "byte order mark at the beginning: passed over" in report.notes
        assert lifetime("222").requests == 3


def times(*texts):
    return {"222": user([record(number, timestamp=text) for number, text in enumerate(texts)])}


@pytest.mark.django_db
class TestTimes:
    def stored(self):
        return list(CostRecord.objects.order_by("id").values_list("timestamp", flat=True))

    def test_naive_times_are_of_the_named_zone(self, write):
        path = write(times("2025-07-01T12:00:00", "2025-12-01T12:00:00.5"))
        import_file(path, options(zone=ZoneInfo("Europe/Berlin")))
        assert self.stored() == [
            datetime(2025, 7, 1, 10, tzinfo=UTC),
            datetime(2025, 12, 1, 11, 0, 0, 500_000, tzinfo=UTC),
        ]

    def test_by_default_they_are_of_the_configured_zone(self, write, settings):
        settings.TIME_ZONE = "Asia/Kathmandu"
        import_file(write(times("2025-07-01T12:00:00")), options())
        assert self.stored() == [datetime(2025, 7, 1, 6, 15, tzinfo=UTC)]

    def test_an_offset_is_taken_as_it_is_and_reported(self, write):
        report = import_file(
            write(times("2025-07-01T12:00:00+02:00", "2025-07-01T12:00:00Z")), options()
        )
        assert self.stored() == [
            datetime(2025, 7, 1, 10, tzinfo=UTC),
            datetime(2025, 7, 1, 12, tzinfo=UTC),
        ]
        assert report.notes == {"times with an offset of their own: taken as they are": 2}

    def test_the_repeated_hour_is_resolved_by_order_and_reported(self, write):
        texts = [f"2025-10-26T02:{minute}:00" for minute in ("10", "50", "20", "55")]
        report = import_file(write(times(*texts)), options(zone=ZoneInfo("Europe/Berlin")))
        assert [f"{time:%H:%M}" for time in self.stored()] == ["00:10", "00:50", "01:20", "01:55"]
        assert report.notes["times in an hour that the zone repeats: resolved by their order"] == 4

    def test_the_skipped_hour_is_moved_and_reported(self, write):
        path = write(times("2025-03-30T02:30:00"))
        report = import_file(path, options(zone=ZoneInfo("Europe/Berlin")))
        assert self.stored() == [datetime(2025, 3, 30, 1, 30, tzinfo=UTC)]
        assert report.notes == {"times in an hour that the zone skips: moved by its change": 1}


HOSTILE = {
    "empty file": (b"", "the file is empty"),
    "blank file": (b"  \n ", "line 2, byte 4: the file ends in the middle"),
    "top-level list": (b"[1]", "the top level is not an object"),
    "top-level text": (b'"a"', "the top level is not an object"),
    "no JSON": (b"hello", "line 1, byte 0: "),
    "torn": (
        b'{"1": {"total_requests": 5,\n "total',
        "line 2, byte 35: the file ends in the middle",
    ),
    "two values": (b"{}\n{}", "line 2, byte 3: "),
    "NaN": (b'{"1": {"total_cost": NaN}}', "line 1, byte 21: "),
    "Infinity": (b'{"1": {"total_cost": -Infinity}}', "line 1, byte 22: "),
    "invalid UTF-8": (b'{"1": {"a": "\xff\xfe"}}', "line 1, byte 13: "),
    "UTF-16": ('{"1": {}}'.encode("utf-16"), "line 1, byte 0: "),
    "a number of 6,000 digits": (b'{"1": {"a": ' + b"9" * 6000 + b"}}", "line 1, byte "),
    "depth bomb of lists": (b'{"1": {"a": ' + b"[" * 60_000, "nested deeper than 32"),
    "depth bomb of objects": (b'{"1": ' + b'{"a":' * 60_000, "nested deeper than 32"),
    "depth bomb at the top": (b"[" * 60_000, "the top level is not an object"),
    "a text of 3 MB": (b'{"1": {"a": "' + b"x" * 3_000_000 + b'"}}', "a value longer than 1 MB"),
    "a user twice": (
        b'{"1": {"total_requests": 0, "total_cost": 0}, "1": {}}',
        "the key '1' stands twice",
    ),
    "a field twice": (b'{"1": {"a": 0, "a": 0}}', "user '1': the key 'a' stands twice"),
    "a user that is a list": ({"1": []}, "user '1': expected an object"),
    "an empty user id": ({"": user()}, "a user id has 1 to 64 characters"),
    "a long user id": ({"x" * 65: user()}, "a user id has 1 to 64 characters"),
    "NUL in a user id": ({"a\0": user()}, "a user id has 1 to 64 characters"),
    "another user id": ({"1": user(user_id=2)}, "user '1': its user_id is another, '2'"),
    "no totals": ({"1": {}}, "user '1': Object missing required field `total_requests`"),
    "total is text": ({"1": user(total_requests="3")}, "Expected `int`, got `str`"),
    "total is 3.0": ({"1": user(total_requests=3.0)}, "Expected `int`, got `decimal`"),
    "total is negative": ({"1": user(total_requests=-1)}, "Expected `int` >= 0"),
    "cost is text": ({"1": user(total_cost="1")}, "total_cost: expected an amount of dollars"),
    "cost is true": ({"1": user(total_cost=True)}, "total_cost: expected an amount of dollars"),
    "cost is negative": (
        {"1": user(total_cost=-0.1)},
        "total_cost: an amount of money is not negative",
    ),
    "cost is 10^30": ({"1": user(total_cost=10**30)}, "total_cost: an amount above"),
    "cost has an endless exponent": (
        b'{"1": {"total_requests": 0, "total_cost": 1e999999999}}',
        "an amount above",
    ),
    "records are an object": ({"1": user() | {"records": {}}}, "records: expected a list"),
    "a record is a number": ({"1": user() | {"records": [5]}}, r"records\[0\]: expected an object"),
    "tokens are negative": (
        {"1": user([record(input_tokens=-1)])},
        r"records\[0\]: Expected `int` >= 0 - at `\$.input_tokens`",
    ),
    "tokens are 10^30": (
        {"1": user([record(output_tokens=10**30)])},
        "Expected `int` <= 9007199254740991",
    ),
    "tokens are missing": (
        {"1": user([{"timestamp": "2025-10-16T15:15:00", "cost": 0}])},
        "missing required field",
    ),
    "tokens are nested": ({"1": user([record(input_tokens={})])}, "Expected `int`, got `object`"),
    "record cost is negative": (
        {"1": user([record(cost=-1)])},
        r"records\[0\].cost: an amount of money is not negative",
    ),
    "model is a number": ({"1": user([record(model=5)])}, r"Expected `str \| null`, got `int`"),
    "model is long": ({"1": user([record(model="x" * 101)])}, "length <= 100"),
    "NUL in a model": ({"1": user([record(model="a\0b")])}, "cannot be stored"),
    "time is a word": (
        {"1": user([record(timestamp="yesterday")])},
        r"records\[0\].timestamp: 'yesterday' is not a time",
    ),
    "time is a date": ({"1": user([record(timestamp="2025-10-16")])}, "is not a time"),
    "time is a number": ({"1": user([record(timestamp=1760620500)])}, "Expected `str`, got `int`"),
    "time is of the year 1": (
        {"1": user([record(timestamp="0001-01-01T00:00:00")])},
        "not between 1970 and 9999",
    ),
    "month 13": ({"1": user([record(timestamp="2025-13-01T00:00:00")])}, "is not a time"),
    "limits are a list": ({"1": user(limits=[1])}, "limits: expected an object"),
    "a limit is text": ({"1": user(limits={"daily": "5"})}, "limits.daily: expected an amount"),
    "a limit is negative": ({"1": user(limits={"daily": -5})}, "not negative"),
    "last warning is no time": (
        {"1": user(last_warning="soon")},
        "last_warning: 'soon' is not a time",
    ),
}


@pytest.mark.django_db
class TestRefusals:
    @pytest.mark.parametrize(("content", "cause"), HOSTILE.values(), ids=HOSTILE.keys())
    def test_it_is_one_line_with_the_place_and_the_database_is_as_before(
        self, write, content, cause
    ):
        with pytest.raises(Refused, match=cause) as refusal:
            import_file(write(content))
        assert "\n" not in str(refusal.value)
        assert not CostRecord.objects.exists()
        assert not UsageImport.objects.exists()

    def test_a_good_user_before_a_bad_one_is_not_taken_either(self, write):
        with pytest.raises(Refused):
            import_file(write({"1": user(), "2": user(total_cost=-1)}), options())
        assert not CostRecord.objects.exists()

    def test_a_contradiction_in_the_last_user_takes_the_others_back(self, write):
        with pytest.raises(Refused):
            import_file(write({"1": user(), "2": user(total_requests=1)}), options())
        assert not CostRecord.objects.exists()
        assert not ImportedUsage.objects.exists()

    def test_the_place_of_a_fault_is_found_behind_the_first_chunk(self, write):
        good = json.dumps({"1": user([record(n) for n in range(1000)])}, indent=2)
        at = (
            good.rindex("total_requests")
            if good.rindex("total_requests") > 70_000
            else good.rindex('"cost"')
        )
        bad = good[:at] + "\x01" + good[at:]
        line = bad[:at].count("\n") + 1
        with pytest.raises(Refused, match=rf"^line {line}, byte {at}"):
            import_file(write(bad), options())

    def test_a_proof_that_fails_takes_everything_back(self, write, monkeypatch):
        monkeypatch.setattr(ledger, "load", list)  # reads the rows and inserts none
        with pytest.raises(Refused, match="the ledger grew by Spend"):
            import_file(write({"1": user()}), options())
        assert not ImportedUsage.objects.exists()

    def test_an_unwritable_backup_folder_stops_it_before_anything_is_booked(
        self, write, settings, tmp_path
    ):
        settings.DATA_DIR = tmp_path
        (tmp_path / "backups").write_text("a file where the folder should be")
        with pytest.raises(Refused, match="no backup could be made"):
            import_file(write({"1": user()}))
        assert not CostRecord.objects.exists()


class TestMemory:
    @pytest.mark.parametrize(
        "bomb",
        [
            b"[" * 60_000,
            b'{"1": {"a": ' + b"[" * 5_000_000,
            b'{"1": {"a": "' + b"x" * 300_000_000,
        ],
        ids=["lists at the top", "nested lists", "one endless text"],
    )
    def test_a_bomb_is_one_line_and_exit_1_within_200_mb(self, tmp_path, bomb):
        path = tmp_path / "bomb.json"
        path.write_bytes(bomb)
        most = 200 * 2**20
        done = subprocess.run(
            [sys.executable, "manage.py", "import_usage", str(path)],
            capture_output=True,
            text=True,
            cwd=Path(__file__).parents[2],
            env={"DATA_DIR": str(tmp_path), "PATH": ""},
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_DATA, (most, most)),
        )
        assert done.returncode == 1
        assert done.stderr.startswith(f"CommandError: {path}: ")
        assert done.stderr.count("\n") == 1
