import json
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from costs import ledger
from costs.models import CostRecord, ImportedUsage, UsageImport
from costs.usage_json import Options, Refused, import_file
from tests.costs.botfile import record, user


def options(**fields):
    return Options(**{"backup": False, **fields})


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
    "an exponent of 22 digits": (b'{"1": {"a": 1e9999999999999999999999}}', "line 1, byte "),
    "a hundred fields": (
        {"1": user(**{f"field {number}": number for number in range(100)})},
        "user '1': more than 64 fields",
    ),
    "a record of a hundred fields": (
        {"1": user([record(**{f"field {number}": number for number in range(100)})])},
        r"records\[0\]: more than 64 fields",
    ),
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
        "Expected `int` <= 1000000000000",
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

    def test_no_copy_stays_of_a_file_whose_booking_is_refused(self, write, settings, tmp_path):
        settings.DATA_DIR = tmp_path / "data"
        with pytest.raises(Refused):
            import_file(write({"1": user(total_requests=1)}))
        assert list((tmp_path / "data" / "backups").iterdir()) == []

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
