import shutil
from pathlib import Path
from unittest.mock import patch

import pytest
from django.db import connection
from msgspec import UNSET, to_builtins
from pytest_django.fixtures import Settings

from monitor.api.machine import GIB, data_sizes, disk_space


def usage(free: int, total: int = 100) -> object:
    return shutil._ntuple_diskusage(total * GIB, (total - free) * GIB, free * GIB)  # type: ignore[attr-defined]


class TestDiskSpace:
    def test_it_is_that_of_the_disk(self) -> None:
        with patch("shutil.disk_usage", return_value=usage(25)):
            assert to_builtins(disk_space()) == {
                "total_gb": 100.0,
                "used_gb": 75.0,
                "free_gb": 25.0,
                "percent_used": 75.0,
                "warning": False,
                "critical": False,
            }

    @pytest.mark.parametrize(
        ("free", "warning", "critical"),
        [(15, False, False), (14, True, False), (10, True, False), (9, True, True)],
    )
    def test_it_warns_when_little_is_free(self, free: int, warning: bool, critical: bool) -> None:
        with patch("shutil.disk_usage", return_value=usage(free)):
            space = disk_space()
        assert (space.warning, space.critical) == (warning, critical)

    def test_a_disk_that_does_not_tell_is_said_so_without_a_path(self) -> None:
        with patch("shutil.disk_usage", side_effect=OSError("/srv/secret")):
            space = disk_space()
        assert (space.error, space.total_gb) == ("The disk does not tell.", UNSET)
        assert list(to_builtins(space)) == ["error"]

    def test_the_real_disk_tells(self) -> None:
        assert disk_space().error is UNSET


@pytest.mark.django_db
class TestDataSizes:
    def test_json_files_and_the_database_in_mebibytes(
        self, tmp_path: Path, settings: Settings
    ) -> None:
        settings.DATA_DIR = tmp_path
        (tmp_path / "usage.json").write_bytes(b" " * (3 * 2**20 + 2**19))
        (tmp_path / "secret_key").write_bytes(b" " * 2**20)
        (tmp_path / "gone.json").symlink_to(tmp_path / "nowhere")
        sizes = data_sizes()
        assert sizes.pop("usage.json") == 3.5
        name = Path(str(connection.settings_dict["NAME"])).name
        assert set(sizes) <= {name, f"{name}-wal"}
        assert sum(sizes.values()) > 0.1
