import importlib
import os
import stat
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
from django.core.exceptions import ImproperlyConfigured

ROOT = Path(__file__).parents[2]


@pytest.fixture
def module() -> ModuleType:
    """settings.py itself, for its reading of variables."""
    return importlib.import_module("monitor.settings")


def manage(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    names = {"PATH", "HOME", "PYTHONDONTWRITEBYTECODE"} & os.environ.keys()
    kept = {name: os.environ[name] for name in names}
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=kept | variables,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


class TestDurability:
    def test_sqlite_waits_for_the_disk_unless_told_otherwise(self, tmp_path: Path) -> None:
        """What is acknowledged outlives a loss of power: https://sqlite.org/pragma.html, FULL."""
        ask = (
            "from django.db import connection; cursor = connection.cursor();"
            "print(cursor.execute('PRAGMA synchronous').fetchone()[0])"
        )
        where = {"DATA_DIR": str(tmp_path), "SECRET_KEY": "tests"}
        done = manage("shell", "--no-imports", "-c", ask, **where)
        assert (done.stdout, done.stderr) == ("2\n", "")


class TestVariables:
    @pytest.mark.parametrize(
        ("text", "value"),
        [("1", True), ("True", True), ("yes", True), ("0", False), ("off", False)],
    )
    def test_a_flag_is_yes_or_no(
        self, module: ModuleType, monkeypatch: pytest.MonkeyPatch, text: str, value: bool
    ) -> None:
        monkeypatch.setenv("SOME_FLAG", text)
        assert module.flag("SOME_FLAG") is value

    def test_a_flag_is_off_unless_set(self, module: ModuleType) -> None:
        assert module.flag("SOME_FLAG") is False

    def test_words_lose_the_blanks_around_them(
        self, module: ModuleType, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("SOME_HOSTS", "a.example, b.example ,,")
        assert module.words("SOME_HOSTS") == ["a.example", "b.example"]

    @pytest.mark.parametrize(
        ("function", "value"),
        [
            ("flag", "maybe"),
            ("flag", ""),
            ("zone", "Mars/Olympus"),
            ("zone", "../../etc/passwd"),
            ("zone", ""),
            ("folder", "/dev/null/data"),
            ("database", "mysql://host/name"),
            ("database", "nonsense"),
        ],
    )
    def test_a_bad_value_is_refused_by_name(
        self, module: ModuleType, monkeypatch: pytest.MonkeyPatch, function: str, value: str
    ) -> None:
        monkeypatch.setenv("SOME_NAME", value)
        defaults = {"folder": [Path("/tmp")], "database": ["sqlite://"]}
        with pytest.raises(ImproperlyConfigured, match="SOME_NAME"):
            getattr(module, function)("SOME_NAME", *defaults.get(function, []))

    def test_a_choice_names_what_is_allowed(
        self, module: ModuleType, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("SOME_NAME", "sometimes; DROP")
        with pytest.raises(ImproperlyConfigured, match="OFF, FULL"):
            module.choice("SOME_NAME", "FULL", ["OFF", "FULL"])


class TestSecretKey:
    def test_it_is_made_once_for_its_owner_alone(self, module: ModuleType, tmp_path: Path) -> None:
        path = tmp_path / "secret_key"
        key = module.generated_key(path)
        assert len(key) > 50
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert module.generated_key(path) == key
        assert list(tmp_path.iterdir()) == [path]

    def test_a_folder_that_cannot_hold_it_is_told(self, module: ModuleType) -> None:
        with pytest.raises(ImproperlyConfigured, match="Set SECRET_KEY"):
            module.generated_key(Path("/dev/null/secret_key"))


class TestManage:
    def test_a_bad_setting_is_one_clear_line(self, tmp_path: Path) -> None:
        done = manage("check", DATA_DIR=str(tmp_path), DEBUG="perhaps")
        assert done.returncode == 1
        assert done.stdout == ""
        assert done.stderr.splitlines() == [
            "Bad settings: DEBUG is 'PERHAPS', but must be one of 1, TRUE, YES, ON, 0, FALSE, "
            "NO, OFF."
        ]

    def test_the_settings_for_production_pass_the_deployment_check(self, tmp_path: Path) -> None:
        done = manage(
            *("check", "--deploy", "--fail-level", "WARNING"),
            DATA_DIR=str(tmp_path),
            HTTPS="1",
            ALLOWED_HOSTS="monitor.example.org",
        )
        assert (done.returncode, done.stderr) == (0, "")
