"""Where a run keeps its files and databases: one temporary folder, gone when it ends.

A database is known by its name: a file of the folder, or a database of the PostgreSQL server that
DATABASE_URL names (`python -m tests.postgres` starts one). The first, `empty`, is migrated.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import django
from django.db import connection, connections

EMPTY = "empty"
SERVER = "BENCHMARK_SERVER"
"""The variable that holds the URL of the PostgreSQL server, where there is one."""


def settle_in(folder: Path, server: str) -> None:
    """Settings of this process and its children, whatever a .env file says.

    `server` is the URL of a PostgreSQL, or blank for SQLite.
    """
    os.environ |= {
        "DJANGO_SETTINGS_MODULE": "monitor.settings",
        "DATA_DIR": str(folder),
        SERVER: server,
        "USAGE_JSON": str(folder / "usage.json"),
        "PRICES_CSV": "",
        "SECRET_KEY": "benchmarks",
        "SQLITE_SYNCHRONOUS": "FULL",
        "TIME_ZONE": "UTC",
        "DEBUG": "0",
    }
    if server:
        psql(f"CREATE DATABASE {EMPTY}")
    os.environ["DATABASE_URL"] = url(EMPTY)
    subprocess.run(
        [sys.executable, "manage.py", "migrate", "--skip-checks", "--verbosity", "0"], check=True
    )
    django.setup()


def is_postgres() -> bool:
    return bool(os.environ[SERVER])


def psql(statement: str) -> None:
    """Run a statement that no transaction may hold, beside all databases of the run."""
    import psycopg

    with psycopg.connect(os.environ[SERVER], autocommit=True) as server:
        server.execute(statement)


def server_version() -> str:
    """What the databases of the run are of, in words."""
    if not is_postgres():
        return f"SQLite {sqlite3.sqlite_version}"
    import psycopg

    with psycopg.connect(os.environ[SERVER]) as server:
        return f"PostgreSQL {server.execute('SHOW server_version').fetchall()[0][0]}"


def clients(name: str) -> int:
    """How many connections a database of the server has, but for that of this process."""
    import psycopg

    own = connection.connection.info.backend_pid if connection.connection else 0
    ask = (
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE datname = %s AND pid <> %s AND backend_type = 'client backend'"
    )
    with psycopg.connect(os.environ[SERVER]) as server:
        return int(server.execute(ask, [name, own]).fetchall()[0][0])


def url(name: str) -> str:
    """The DATABASE_URL of a database."""
    if is_postgres():
        return urlsplit(os.environ[SERVER])._replace(path=f"/{name}").geturl()
    return f"sqlite:///{file(name)}"


def file(name: str) -> Path:
    return Path(os.environ["DATA_DIR"]) / f"{name}.db"


def exists(name: str) -> bool:
    """Whether `new_database` made it in this run."""
    return (Path(os.environ["DATA_DIR"]) / f"{name}.made").exists()


def new_database(name: str, like: str = EMPTY) -> str:
    """A copy of a database that nobody has open; its name."""
    connections.close_all()
    if is_postgres():
        psql(f'DROP DATABASE IF EXISTS "{name}"')
        psql(f'CREATE DATABASE "{name}" TEMPLATE "{like}"')
    else:
        shutil.copyfile(file(like), file(name))
    (Path(os.environ["DATA_DIR"]) / f"{name}.made").touch()
    return name


def open_database(name: str) -> None:
    """Let the connection of this process lead to `name`."""
    connection.close()
    connection.settings_dict["NAME"] = name if is_postgres() else str(file(name))


def open_beside(alias: str, name: str) -> None:
    """Let a second connection, `alias`, lead to `name`, with the options of the default one."""
    place = name if is_postgres() else str(file(name))
    connections.settings[alias] = connections.settings["default"] | {"NAME": place}


def size(name: str) -> int:
    """The bytes of a database on disk, once what is written is in its place."""
    if not is_postgres():
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return file(name).stat().st_size
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_database_size(%s)", [name])
        found: int = cursor.fetchone()[0]
        return found
