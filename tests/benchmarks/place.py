"""Where a run keeps its files and databases: one temporary folder, gone when it ends."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import django
from django.db import connection, connections


def settle_in(folder: Path) -> None:
    """Settings of this process and its children, whatever a .env file says."""
    os.environ |= {
        "DJANGO_SETTINGS_MODULE": "monitor.settings",
        "DATA_DIR": str(folder),
        "DATABASE_URL": f"sqlite:///{folder / 'empty.db'}",
        "USAGE_JSON": str(folder / "none.json"),
        "PRICES_CSV": "",
        "SECRET_KEY": "benchmarks",
        "SQLITE_SYNCHRONOUS": "FULL",
        "TIME_ZONE": "UTC",
        "DEBUG": "0",
    }
    subprocess.run(
        [sys.executable, "manage.py", "migrate", "--skip-checks", "--verbosity", "0"], check=True
    )
    django.setup()


def new_database(folder: Path, name: str, like: str = "empty") -> Path:
    """A copy of a database that nobody has open; the first one is migrated and empty."""
    return Path(shutil.copyfile(folder / f"{like}.db", folder / f"{name}.db"))


def open_database(path: Path) -> None:
    """Let the connection of this process lead to `path`."""
    connection.close()
    connection.settings_dict["NAME"] = str(path)


def open_beside(alias: str, path: Path) -> None:
    """Let a second connection, `alias`, lead to `path`, with the options of the default one."""
    connections.settings[alias] = connections.settings["default"] | {"NAME": str(path)}
