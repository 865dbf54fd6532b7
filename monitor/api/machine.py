"""What the monitor's own data takes up on its disk."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Annotated

from django.conf import settings
from django.db import connection
from msgspec import UNSET, Meta, Struct, UnsetType

MIB, GIB = 2**20, 2**30
WARNING, CRITICAL = 15, 10  # GiB


class DiskSpace(Struct):
    """In GiB; `warning` below 15 free ones, `critical` below 10. `error` alone where unknown."""

    total_gb: float | UnsetType = UNSET
    used_gb: float | UnsetType = UNSET
    free_gb: float | UnsetType = UNSET
    percent_used: Annotated[float, Meta(description="0 to 100.")] | UnsetType = UNSET
    warning: bool | UnsetType = UNSET
    critical: bool | UnsetType = UNSET
    error: str | UnsetType = UNSET


def disk_space() -> DiskSpace:
    """Of the disk that holds DATA_DIR."""
    try:
        total, used, free = shutil.disk_usage(settings.DATA_DIR)
    except OSError:
        return DiskSpace(error="The disk does not tell.")
    return DiskSpace(
        total_gb=round(total / GIB, 2),
        used_gb=round(used / GIB, 2),
        free_gb=round(free / GIB, 2),
        percent_used=round(100 * used / total, 1) if total else 0.0,
        warning=free < WARNING * GIB,
        critical=free < CRITICAL * GIB,
    )


def data_sizes() -> dict[str, float]:
    """MiB by name: the database, and every JSON file in DATA_DIR."""
    sizes = dict(_files())
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_database(), pg_database_size(current_database())")
            sizes |= dict(cursor.fetchall())
    return {name: round(size / MIB, 2) for name, size in sorted(sizes.items())}


def _files() -> Iterator[tuple[str, int]]:
    """Those that are there; SQLite keeps what was written last in a file of its own."""
    paths = [*Path(settings.DATA_DIR).glob("*.json")]
    if connection.vendor == "sqlite":
        database = str(connection.settings_dict["NAME"])
        paths += [Path(database), Path(f"{database}-wal")]
    for path in paths:
        with suppress(OSError):
            yield path.name, path.stat().st_size
