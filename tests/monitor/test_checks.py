from collections.abc import Callable
from pathlib import Path

import pytest
from django.core.checks import CheckMessage
from pytest_django import Settings

from monitor.checks import (
    data_folder_is_writable,
    debug_stays_at_home,
    price_file_is_read,
    usage_json_exists,
)
from tests.monitor.test_settings import manage


def ids(check: Callable[[None], list[CheckMessage]]) -> list[str | None]:
    found = check(None)
    assert all(message.hint for message in found)
    return [message.id for message in found]


class TestDataFolder:
    def test_a_folder_to_write_in_is_fine(self, settings: Settings, tmp_path: Path) -> None:
        settings.DATA_DIR = tmp_path
        assert ids(data_folder_is_writable) == []

    def test_one_that_is_missing_is_an_error(self, settings: Settings, tmp_path: Path) -> None:
        settings.DATA_DIR = tmp_path / "gone"
        assert ids(data_folder_is_writable) == ["monitor.E001"]


class TestUsageJson:
    def test_a_missing_file_at_the_usual_place_is_fine(
        self, settings: Settings, tmp_path: Path
    ) -> None:
        settings.DATA_DIR, settings.USAGE_JSON = tmp_path, tmp_path / "usage.json"
        assert ids(usage_json_exists) == []

    def test_a_file_that_was_named_must_be_there(self, settings: Settings, tmp_path: Path) -> None:
        settings.USAGE_JSON = tmp_path / "other.json"
        assert ids(usage_json_exists) == ["monitor.W001"]
        settings.USAGE_JSON.mkdir()
        assert ids(usage_json_exists) == ["monitor.W001"]

    def test_and_then_is_fine(self, settings: Settings, tmp_path: Path) -> None:
        settings.USAGE_JSON = tmp_path / "other.json"
        settings.USAGE_JSON.write_text("{}")
        assert ids(usage_json_exists) == []


class TestDebug:
    @pytest.mark.parametrize(
        ("debug", "hosts", "found"),
        [
            (True, ["localhost", "127.0.0.1", "[::1]"], []),
            (True, ["localhost", "monitor.example.org"], ["monitor.W002"]),
            (True, ["*"], ["monitor.W002"]),
            (False, ["*"], []),
        ],
    )
    def test_it_stays_at_home(
        self, settings: Settings, debug: bool, hosts: list[str], found: list[str]
    ) -> None:
        settings.DEBUG, settings.ALLOWED_HOSTS = debug, hosts
        assert ids(debug_stays_at_home) == found


class TestPriceFile:
    def test_no_file_or_a_good_one_is_fine(self, settings: Settings, tmp_path: Path) -> None:
        settings.PRICES_CSV = ""
        assert ids(price_file_is_read) == []
        settings.PRICES_CSV = str(tmp_path / "prices.csv")
        Path(settings.PRICES_CSV).write_text(
            "model,input,output,write_5m,write_1h,read\nmine,1,2,0,0,0\n"
        )
        assert ids(price_file_is_read) == []

    def test_one_that_cannot_be_read_is_an_error(self, settings: Settings, tmp_path: Path) -> None:
        settings.PRICES_CSV = str(tmp_path / "none.csv")
        assert ids(price_file_is_read) == ["monitor.E002"]


class TestCommands:
    """Those that serve no page leave out what would load all of them, and that alone."""

    @pytest.mark.parametrize("command", ["prune_costs", "migrate"])
    def test_what_they_need_is_checked(self, tmp_path: Path, command: str) -> None:
        prices = str(tmp_path / "none.csv")
        done = manage(command, DATA_DIR=str(tmp_path), SECRET_KEY="tests", PRICES_CSV=prices)
        assert done.returncode == 1
        assert "monitor.E002" in done.stderr

    def test_no_page_is_loaded(self, migrated_data: Path) -> None:
        seen = (
            "import sys; from django.core.management import call_command;"
            "call_command('check_ledger', skip_checks=False);"
            "print('monitor.urls' in sys.modules, 'monitor.checks' in sys.modules)"
        )
        where = {"DATA_DIR": str(migrated_data), "SECRET_KEY": "tests"}
        done = manage("shell", "--no-imports", "-c", seen, **where)
        assert done.stdout.splitlines()[-1] == "False True", done.stderr
