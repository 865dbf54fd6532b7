import json
import os
import re
import signal
import subprocess
import sys
import termios
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.db import connection

from costs import ledger, windows
from costs.models import (
    CostRecord,
    LedgerState,
    ModelDay,
    ModelHour,
    SessionHour,
    TypeHour,
    UsageImport,
)
from costs.usage import Usage
from costs.windows import EPOCH, FOREVER
from tests.costs.botfile import BotFile, user
from tests.costs.brute import at

ROOT = Path(__file__).parents[2]


def records(count, start, step=timedelta(minutes=1)):
    ledger.record_many(
        [
            Usage(
                user_id="ann",
                model="haiku",
                input_tokens=1,
                output_tokens=1,
                cost=1,
                timestamp=start + number * step,
                session_key="s",
            )
            for number in range(count)
        ]
    )


@pytest.mark.django_db
class TestImportUsage:
    def test_it_shows_a_line_a_user_and_the_proof(self, tmp_path, capsys):
        path = BotFile(tmp_path / "usage.json").add("222", 1500).add("333", 2).save()
        call_command("import_usage", path)
        out = capsys.readouterr().out
        assert "222                          1,000     1,000         0     1,500" not in out
        assert "222                          1,000     1,000         0       500" in out
        assert "Proven: the ledger went from 0 requests and $0.000000000 to 1,502 requests" in out
        assert UsageImport.objects.get().backup in out

    def test_it_shows_twenty_users_and_counts_the_others(self, tmp_path, capsys):
        bot = BotFile(tmp_path / "usage.json")
        for number in range(25):
            bot.add(f"user-{number}", 1)
        call_command("import_usage", bot.save())
        assert "... and 5 more users" in capsys.readouterr().out

    def test_a_hostile_user_id_does_not_reach_the_terminal_as_it_is(self, tmp_path, capsys):
        call_command("import_usage", BotFile(tmp_path / "usage.json").add("a\n\x1b[2Jé", 1).save())
        assert r"a\n\x1b[2J\xe9" in capsys.readouterr().out

    def test_a_dry_run_says_so(self, tmp_path, capsys):
        path = BotFile(tmp_path / "usage.json").add("222", 1).save()
        call_command("import_usage", path, "--dry-run")
        assert capsys.readouterr().out.endswith("Dry run: proven, and nothing was written.\n")
        assert not CostRecord.objects.exists()

    def test_the_zone_of_the_times_is_chosen(self, tmp_path):
        path = BotFile(tmp_path / "usage.json").add("222", 1).save()
        call_command("import_usage", path, "--timezone", "Europe/Berlin", "--no-backup")
        assert CostRecord.objects.get().timestamp == datetime(2025, 10, 16, 13, 15, 0, 123456, UTC)
        assert not UsageImport.objects.get().backup

    def test_contradictions_are_accepted_when_asked(self, tmp_path, capsys):
        path = tmp_path / "usage.json"
        path.write_text(json.dumps({"222": user(total_requests=1)}))
        call_command("import_usage", path, "--accept-contradictions")
        assert "trusted as asked" in capsys.readouterr().out

    @pytest.mark.parametrize(
        ("arguments", "cause"),
        [
            (["--timezone", "Mars/Olympus"], "no time zone 'Mars/Olympus'"),
            (["--timezone", "../etc/passwd"], "no time zone"),
            (["--source", ""], "a name of 1 to 64"),
        ],
    )
    def test_a_wrong_argument_is_named(self, tmp_path, arguments, cause):
        with pytest.raises(CommandError, match=cause):
            call_command("import_usage", str(tmp_path / "usage.json"), *arguments)

    def test_what_cannot_be_read_is_one_line(self, tmp_path):
        for path, cause in [
            (tmp_path / "none.json", "No such file"),
            (tmp_path, "Is a directory"),
        ]:
            with pytest.raises(CommandError, match=f"{cause}.* Nothing was imported"):
                call_command("import_usage", path)

    def test_a_file_that_fails_while_it_is_read_is_one_line(self):
        with pytest.raises(CommandError, match=r"cannot be read: Input/output error\. Nothing"):
            call_command("import_usage", "/proc/self/mem")

    def test_a_database_without_tables_is_one_line(self, tmp_path):
        path = BotFile(tmp_path / "usage.json").add("222", 1).save()
        done = subprocess.run(
            [sys.executable, "manage.py", "import_usage", str(path)],
            capture_output=True,
            text=True,
            cwd=ROOT,
            env={"DATA_DIR": str(tmp_path), "PATH": ""},
        )
        assert done.returncode == 1
        assert "It must be migrated (manage.py migrate)" in done.stderr
        assert "Traceback" not in done.stderr


@pytest.mark.django_db(transaction=True)
class TestImportUsageOnATerminal:
    def test_it_shows_how_far_it_has_come(self, process_settings, tmp_path):
        path = BotFile(tmp_path / "usage.json").add("222", 1000).save()
        ours, theirs = os.openpty()
        termios.tcsetwinsize(theirs, (24, 100))
        command = [sys.executable, "manage.py", "import_usage", str(path)]
        subprocess.run(command, cwd=ROOT, env=process_settings, stderr=theirs, check=True)
        os.close(theirs)
        shown = b""
        with suppress(OSError):  # the end of a terminal
            while part := os.read(ours, 4096):
                shown += part
        os.close(ours)
        assert re.search(rb"Reading: 100%", shown)
        assert re.search(rb"Booking: 100%.*1000/1000", shown)


@pytest.mark.django_db
class TestPruneCosts:
    @pytest.fixture(autouse=True)
    def now(self):
        with time_machine.travel(at(24 * 100), tick=False):
            yield

    def test_it_keeps_ninety_days_by_default_and_says_what_it_did(self, capsys):
        records(5, at(24 * 10 - 1), timedelta(hours=1))
        before = windows.spend(EPOCH, FOREVER)
        call_command("prune_costs")
        out = capsys.readouterr().out
        assert out.startswith("Done: 1 records before 2025-11-03 00:00 UTC deleted")
        assert CostRecord.objects.count() == 4
        assert windows.spend(EPOCH, FOREVER) == before

    def test_a_dry_run_deletes_nothing(self, capsys):
        records(3, at(0))
        call_command("prune_costs", "--days", "5", "--dry-run")
        assert capsys.readouterr().out == "3 records before 2026-01-27 00:00 UTC would go.\n"
        assert CostRecord.objects.count() == 3
        assert not LedgerState.objects.exists()

    @pytest.mark.parametrize("arguments", [["--days", "-1"], ["--days", "x"], ["--batch", "0"]])
    def test_a_wrong_number_is_refused(self, arguments):
        with pytest.raises(CommandError, match="a whole number"):
            call_command("prune_costs", *arguments)


@pytest.mark.django_db
class TestCheckLedger:
    @pytest.fixture(autouse=True)
    def sealed(self):
        records(100, at(0), timedelta(minutes=40))
        ledger.seal(at(60))
        list(ledger.prune(at(30)))

    def test_a_sound_ledger_is_said_to_be_so(self, capsys):
        call_command("check_ledger")
        assert capsys.readouterr().out.endswith("The ledger is sound.\n")

    def test_a_wrong_cell_is_counted_and_repaired(self, capsys):
        true = windows.by_model(at(30), at(60))
        ModelHour.objects.filter(start=at(40)).update(cost_nano=5)
        ModelHour.objects.filter(start=at(50)).delete()
        with pytest.raises(CommandError, match="wrong cells: run check_ledger --repair"):
            call_command("check_ledger")
        assert "2 wrong  ModelHour equals the records" in capsys.readouterr().out
        call_command("check_ledger", "--repair")
        assert windows.by_model(at(30), at(60)) == true

    def test_pruned_history_is_checked_and_kept_by_a_repair(self):
        everything = windows.spend(EPOCH, FOREVER)
        ModelDay.objects.filter(start=at(48)).update(requests=7)
        call_command("check_ledger", "--repair")
        assert windows.spend(EPOCH, FOREVER) == everything

    def test_what_cannot_be_rebuilt_is_said(self):
        ModelDay.objects.filter(start=at(0)).update(requests=7)
        with pytest.raises(CommandError, match=r"1 wrong cells: .*nothing tells which"):
            call_command("check_ledger", "--repair")

    @pytest.mark.parametrize("hour", [TypeHour, SessionHour])
    def test_types_and_sessions_are_checked_and_repaired_too(self, hour, capsys):
        cells = list(hour.objects.order_by("start").values_list("start", "cost_nano"))
        hour.objects.filter(start=at(40)).delete()
        with pytest.raises(CommandError, match="wrong cells"):
            call_command("check_ledger")
        assert f"1 wrong  {hour.__name__} equals the records" in capsys.readouterr().out
        call_command("check_ledger", "--repair")
        assert list(hour.objects.order_by("start").values_list("start", "cost_nano")) == cells

    def test_lost_marks_are_noticed_and_history_is_not_touched(self):
        cells = ModelHour.objects.count()
        LedgerState.objects.all().delete()
        with pytest.raises(CommandError, match="1 wrong cells"):
            call_command("check_ledger", "--repair")
        assert ModelHour.objects.count() == cells


@pytest.mark.django_db(transaction=True)
class TestPruneAsAProcess:
    def test_it_stops_cleanly_when_asked_to_and_goes_on_later(self, process_settings):
        records(3000, at(0), timedelta(seconds=1))
        before = windows.spend(EPOCH, FOREVER)
        command = [sys.executable, "manage.py", "prune_costs", "--days", "0", "--batch", "1"]
        with subprocess.Popen(
            command, cwd=ROOT, env=process_settings, stdout=subprocess.PIPE, text=True
        ) as process:
            wait_until(lambda: CostRecord.objects.count() < 2990)
            process.send_signal(signal.SIGTERM)
            out, _ = process.communicate(timeout=20)
        left = CostRecord.objects.count()
        assert process.returncode == 0
        assert out.startswith(f"Stopped: {3000 - left:,} records before")
        assert 0 < left < 2990
        assert windows.spend(EPOCH, FOREVER) == before
        call_command("check_ledger")
        call_command("prune_costs", "--days", "0")
        assert not CostRecord.objects.exists()
        assert windows.spend(EPOCH, FOREVER) == before


def wait_until(condition):
    """Poll, closing the view each time, so that the commits of other processes are seen."""
    for _ in range(2000):
        if condition():
            return
        connection.close()
    raise AssertionError("it did not happen")
