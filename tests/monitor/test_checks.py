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
