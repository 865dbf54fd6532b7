"""A PostgreSQL database as a dump of its own tools, which know it best."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from django.db import connection, transaction

from monitor.backup import schema
from monitor.backup.progress import Refused

# By the names of libpq, in the environment: a password is nothing for a list of processes.
TOLD = (
    *("host", "port", "user", "password", "passfile", "service"),
    *("sslmode", "sslrootcert", "sslcert", "sslkey"),
)
ALL = "SELECT quote_ident(tablename) FROM pg_tables WHERE schemaname = current_schema()"


def dump(target: Path) -> tuple[dict[str, int], list[schema.Migration], list[str]]:
    """Dump the database as it is at one instant; answers its counts, migrations and files.

    What is counted here and what pg_dump sees is one snapshot. The dump is read to its end.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        cursor.execute(schema.MIGRATIONS)
        migrations = [(app, name) for app, name in cursor.fetchall()]
        schema.check(migrations)
        counts = _counts()
        cursor.execute(schema.FILES)
        files = [name for (name,) in cursor.fetchall()]
        cursor.execute("SELECT pg_export_snapshot()")
        snapshot = cursor.fetchone()[0]
        _run("pg_dump", "--format=custom", f"--snapshot={snapshot}", f"--file={target}")
    _run("pg_restore", f"--file={os.devnull}", str(target))
    return counts, migrations, files


def load(source: Path, counts: dict[str, int]) -> None:
    """Load a dump into the database, which must be empty, in one transaction."""
    if connection.introspection.table_names():
        raise Refused(
            "The database is not empty: make a new one (createdb), name it in DATABASE_URL and"
            " restore there; the old one stays as it is"
        )
    name = str(connection.get_connection_params()["dbname"])
    _run(
        *("pg_restore", "--single-transaction", "--exit-on-error", "--no-owner"),
        *("--no-privileges", f"--dbname={name}", str(source)),
    )
    if _counts() != counts:
        raise Refused("holds a database with other rows than were counted; drop what was restored")


def _counts() -> dict[str, int]:
    with connection.cursor() as cursor:
        cursor.execute(ALL)
        names = [name for (name,) in cursor.fetchall()]
        counts = {}
        for name in names:
            cursor.execute(f"SELECT count(*) FROM {name}")  # noqa: S608  (quoted by the server)
            counts[name] = cursor.fetchone()[0]
    return counts


def _run(tool: str, *arguments: str) -> None:
    """Run a tool of PostgreSQL. Raises Refused with what it says where it fails."""
    params = connection.get_connection_params()
    told = {f"PG{name.upper()}": str(params[name]) for name in TOLD if params.get(name)}
    told["PGDATABASE"] = str(params["dbname"])
    try:
        subprocess.run(  # noqa: S603  (no shell, and arguments of our own)
            [tool, *arguments], env=os.environ | told, check=True, capture_output=True, text=True
        )
    except FileNotFoundError:
        raise Refused(
            f"{tool} is not installed; on Debian type: apt-get install postgresql-client"
        ) from None
    except subprocess.CalledProcessError as fault:
        raise Refused(" ".join(fault.stderr.split())) from None
