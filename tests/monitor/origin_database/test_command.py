import os
import re
import subprocess
import sys
import termios
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from sessions.models import ToolCall
from tasks.models import Task
from tests.monitor.origin_database.origindb import OriginDb, filled

ROOT = Path(__file__).parents[3]


def cells(out, table):
    line = next(line for line in out.splitlines() if line.startswith(f"{table} "))
    return line.split()[1:]


@pytest.mark.django_db
class TestImportOriginDatabase:
    def test_it_shows_a_line_a_table_and_the_proof(self, tmp_path, capsys):
        call_command("import_origin_database", filled(tmp_path / "x.db").path)
        out = capsys.readouterr().out
        assert "Schema version 14." in out
        assert cells(out, "tool_usage") == ["5", "4", "0", "1", "0"]
        assert "Sessions: 1, of which 1 are new; 0 stand in for tasks" in out
        assert out.endswith(
            "Proven, all are found in this database: tasks 2, lines of their logs 4, changes of"
            " status 1, tool calls 4, files 1, documents 2.\n"
        )

    def test_a_second_import_says_that_nothing_was_added(self, tmp_path, capsys):
        path = filled(tmp_path / "x.db").path
        call_command("import_origin_database", path)
        call_command("import_origin_database", path)
        out = capsys.readouterr().out
        assert out.count("Nothing was added: every row was here already.") == 1

    def test_a_dry_run_says_so(self, tmp_path, capsys):
        call_command("import_origin_database", filled(tmp_path / "x.db").path, "--dry-run")
        assert capsys.readouterr().out.endswith("Dry run: proven, and nothing was written.\n")
        assert not Task.objects.exists()

    def test_the_zone_of_the_times_is_chosen(self, tmp_path):
        path = filled(tmp_path / "x.db").path
        call_command("import_origin_database", path, "--timezone", "Europe/Berlin")
        created_at = datetime(2025, 10, 20, 8, 0, 0, 250000, UTC)
        assert Task.objects.get(id="aaaaaa").created_at == created_at

    def test_the_zone_is_else_that_of_the_settings(self, tmp_path, settings):
        settings.TIME_ZONE = "Asia/Tokyo"
        call_command("import_origin_database", filled(tmp_path / "x.db").path)
        assert Task.objects.get(id="aaaaaa").created_at.astimezone(UTC).hour == 1

    def test_what_is_left_out_is_said_loudly_and_cannot_reach_the_terminal(self, tmp_path, capsys):
        origin = OriginDb(tmp_path / "x.db")
        origin.task("a\x1b[2J")
        for _ in range(25):
            origin.tool(success=7)
        call_command("import_origin_database", origin.path)
        out = capsys.readouterr().out
        assert "ATTENTION: 28 rows were left out:" in out
        assert r"tasks a\x1b[2J: task_id: holds a character" in out
        assert "\x1b" not in out
        assert "(20 entries are listed; further ones are counted in the table)" in out

    def test_tables_that_stay_out_are_named(self, tmp_path, capsys):
        origin = OriginDb(tmp_path / "x.db")
        origin.insert(
            "games",
            user_id=1,
            game_type="chess",
            status="active",
            created_at="",
            updated_at="",
        )
        call_command("import_origin_database", origin.path)
        assert "1 rows of games: not monitoring data, they stay out" in capsys.readouterr().out

    def test_a_refusal_is_one_line(self, tmp_path):
        with pytest.raises(CommandError) as refusal:
            call_command("import_origin_database", tmp_path / "no\nne.db")
        folder = str(tmp_path)
        assert str(refusal.value) == rf"{folder}/no\nne.db: no such file. Nothing was imported."

    def test_a_wrong_zone_is_named(self, tmp_path):
        with pytest.raises(CommandError, match="no time zone 'Mars/Olympus'"):
            call_command("import_origin_database", str(tmp_path), "--timezone", "Mars/Olympus")

    def test_a_database_without_tables_is_one_line(self, tmp_path):
        path = filled(tmp_path / "x.db").path
        done = subprocess.run(
            [sys.executable, "manage.py", "import_origin_database", str(path)],
            capture_output=True,
            text=True,
            cwd=ROOT,
            env={"DATA_DIR": str(tmp_path / "data"), "PATH": ""},
        )
        assert done.returncode == 1
        assert "It must be migrated (manage.py migrate)" in done.stderr
        assert "Traceback" not in done.stderr


@pytest.mark.django_db(transaction=True)
class TestOnATerminal:
    def test_it_shows_how_far_it_has_come(self, process_settings, tmp_path):
        path = filled(tmp_path / "x.db").path
        ours, theirs = os.openpty()
        termios.tcsetwinsize(theirs, (24, 100))
        command = [sys.executable, "manage.py", "import_origin_database", str(path)]
        subprocess.run(command, cwd=ROOT, env=process_settings, stderr=theirs, check=True)
        os.close(theirs)
        shown = b""
        with suppress(OSError):  # the end of a terminal
            while part := os.read(ours, 4096):
                shown += part
        os.close(ours)
        assert re.search(rb"Reading tool_usage: 100%", shown)
        assert re.search(rb"Importing tool_usage: 100%.*5/5", shown)
        assert ToolCall.objects.count() == 4
