from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError

from sessions.hook_logs import folder_import
from sessions.models import Session
from tests.sessions.hook_logs.writing import POST, PRE, Logs, post, pre

ROOT = Path(__file__).parents[3]


@pytest.mark.django_db
class TestImportHookLogs:
    def test_it_shows_a_line_a_session_and_one_a_tool(
        self, logs: Logs, capsys: pytest.CaptureFixture[str]
    ) -> None:
        logs.session("one", [pre(0), pre(2, status="blocked")], [post(1)])
        logs.session("two", [pre(0, "Read"), "42"], [post(1), post(2)])
        call_command("import_hook_logs", logs.root)
        rows = [line.split() for line in capsys.readouterr().out.splitlines()]
        assert ["one", "2", "1", "2", "0", "0", "0"] in rows
        assert ["two", "1", "2", "3", "0", "1", "0"] in rows
        assert ["all", "3", "3", "5", "0", "1", "0"] in rows
        assert ["Bash", "2", "3", "4", "0", "1"] in rows
        assert ["Read", "1", "0", "1", "0", "0"] in rows
        assert ["all", "3", "3", "5", "0", "1"] in rows
        assert f"two/{PRE} line 2: is no JSON object".split() in rows

    def test_it_shows_twenty_sessions_and_counts_the_others(
        self, logs: Logs, capsys: pytest.CaptureFixture[str]
    ) -> None:
        for number in range(25):
            logs.session(f"s{number:02}", [pre(0)], [])
        call_command("import_hook_logs", logs.root)
        out = capsys.readouterr().out
        assert "s19 " in out
        assert "s20 " not in out
        assert "... and 5 more" in out

    def test_sessions_without_news_are_counted_and_no_more(
        self, logs: Logs, capsys: pytest.CaptureFixture[str]
    ) -> None:
        logs.session("earlier", [pre(0)], [])
        call_command("import_hook_logs", logs.root)
        capsys.readouterr()
        logs.session("new", [pre(0)], [])
        call_command("import_hook_logs", logs.root)
        out = capsys.readouterr().out
        assert "new " in out
        assert "earlier" not in out
        assert "Folders without news: 1" in out

    def test_a_dry_run_says_so(self, logs: Logs, capsys: pytest.CaptureFixture[str]) -> None:
        logs.session("s", [pre(0)], [post(1)])
        call_command("import_hook_logs", logs.root, "--dry-run")
        assert capsys.readouterr().out.endswith("Dry run: nothing was written.\n")
        assert not Session.objects.exists()

    def test_notes_hints_and_refusals_are_shown(
        self, logs: Logs, capsys: pytest.CaptureFixture[str]
    ) -> None:
        logs.session("s", [], [post(0, has_error=True)])
        (logs.root / "s" / "summary.json").write_text('{"total_tools_used": 7}')
        (logs.root / "x" / PRE).mkdir(parents=True)
        call_command("import_hook_logs", logs.root)
        out = capsys.readouterr().out
        assert "1 x has_error flags without an error: not believed\n" in out
        assert f"s: summary.json says 7, {POST} has 1\n" in out
        assert f"Refused x: {PRE} is no file\n" in out

    def test_nothing_foreign_reaches_the_terminal_as_it_is(
        self, logs: Logs, capsys: pytest.CaptureFixture[str]
    ) -> None:
        logs.session("é", [pre(0, "Tôol", parameters={"command": "sesame"})], [])
        logs.session("a\x1b[2J", [pre(0)], [])
        call_command("import_hook_logs", logs.root)
        out = capsys.readouterr().out
        assert r"\xe9 " in out
        assert r"T\xf4ol " in out
        assert r"Refused a\x1b[2J: cannot be recorded" in out
        assert "sesame" not in out

    def test_the_wrong_folder_is_refused_with_the_right_one(self, logs: Logs) -> None:
        logs.root = logs.root.parent / "logs" / "sessions"
        logs.root.mkdir(parents=True)
        logs.session("s", [pre(0)], [])
        for wrong in (logs.root.parent, logs.root.parent.parent):
            with pytest.raises(CommandError, match=rf"some in them: name {logs.root}\. Nothing"):
                call_command("import_hook_logs", wrong)
        with pytest.raises(CommandError, match=rf"name the one above, {logs.root}\. Nothing"):
            call_command("import_hook_logs", logs.root / "s")

    def test_what_cannot_be_read_is_one_line(self, logs: Logs, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        for path, cause in [
            (tmp_path / "none", "No such file"),
            (tmp_path / "file", "Not a directory"),
            (logs.root, "no session folder with a log in it; name the folder"),
        ]:
            with pytest.raises(CommandError, match=f"{cause}.* Nothing was imported"):
                call_command("import_hook_logs", path)

    def test_where_every_folder_is_refused_so_is_the_whole(self, logs: Logs) -> None:
        (logs.root / "x" / PRE).mkdir(parents=True)
        with pytest.raises(CommandError, match=f"no folder could be read; x: {PRE} is no file"):
            call_command("import_hook_logs", logs.root)

    def test_a_fault_of_the_database_is_one_line(
        self, logs: Logs, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def full(events: object) -> None:
            raise DatabaseError("disk full")

        monkeypatch.setattr(folder_import, "record", full)
        logs.session("s", [pre(0)], [])
        with pytest.raises(CommandError, match="The database refused: disk full"):
            call_command("import_hook_logs", logs.root)

    def test_wrong_arguments_end_with_2(self) -> None:
        done = subprocess.run(
            [sys.executable, "manage.py", "import_hook_logs"],
            cwd=ROOT,
            capture_output=True,
            check=False,
        )
        assert done.returncode == 2
