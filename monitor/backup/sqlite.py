"""A SQLite database as a file: copied while others write, checked, and put in another's place."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from django.db import connection

from monitor.backup import schema
from monitor.backup.disk import like, sync
from monitor.backup.progress import Progress, Refused

PAGES = 4_000  # copied at a time
TABLES = "SELECT name FROM sqlite_master WHERE type = 'table'"
BESIDE = ("-wal", "-shm", "-journal")


def file() -> Path:
    """The file of the database. Raises Refused for one in memory."""
    name = str(connection.settings_dict["NAME"])
    if connection.is_in_memory_db():  # type: ignore[attr-defined]  # SQLite's has it
        raise Refused("The database is in memory, and gone with this process.")
    return Path(name).absolute()


def copy(source: Path, target: Path, progress: Progress) -> tuple[dict[str, int], list[str]]:
    """Copy the database as it is at one instant, while others write; answers its counts and files.

    By the backup API and not by VACUUM INTO, which would build every index anew. The read
    transaction holds the instant: without it, each write of another process would start the copy
    from its first page again.
    """
    with closing(_reader(source)) as old, closing(sqlite3.connect(target)) as new:
        old.execute("BEGIN")
        counts = _counts(old)
        files = [name for (name,) in old.execute(schema.FILES)]
        old.backup(
            new,
            pages=PAGES,
            progress=lambda _, left, total: progress("Copying", total - left, total),
        )
        new.execute("PRAGMA journal_mode=DELETE")  # one file, without others beside it
    return counts, files


def inspect(path: Path, counts: dict[str, int], *, thorough: bool) -> list[schema.Migration]:
    """The migrations of the database in the file, once it is known to be sound.

    Raises Refused for what is no database of ours, damaged, of a newer schema, or has other
    counts. `thorough` also compares every index with its table.
    """
    try:
        with closing(_reader(path)) as database:
            check = "integrity_check" if thorough else "quick_check"
            found = [text for (text,) in database.execute(f"PRAGMA {check}(1)")]
            if found != ["ok"]:
                raise Refused(f"holds a damaged database: {' '.join(found[0].split())}")
            migrations = list(database.execute(schema.MIGRATIONS))
            schema.check(migrations)
            if _counts(database) != counts:
                raise Refused("holds a database with other rows than were counted")
    except sqlite3.DatabaseError as fault:
        raise Refused(f"holds no sound database: {fault}") from None
    return migrations


@contextmanager
def alone(path: Path, *, force: bool) -> Iterator[None]:
    """Keep everybody else out of the database. Raises Refused where somebody has it open.

    Also where it holds records, or is no database, unless `force`. To leave WAL mode needs the
    file for oneself, and lays everything into it.
    """
    connection.close()
    if not path.exists():
        yield
        return
    with closing(sqlite3.connect(path, timeout=0, isolation_level=None)) as database:
        try:
            _take(database)
        except sqlite3.OperationalError as fault:
            raise Refused(
                f"{path} is in use ({fault}): stop the server, and whatever else has it open"
            ) from None
        except sqlite3.DatabaseError as fault:
            if not force:
                raise Refused(
                    f"{path} is no sound database ({fault}); --force replaces it"
                ) from None
        else:
            _check_empty(database, path, force=force)
        try:
            yield
        except BaseException:
            _reopen(database)
            raise


def _take(database: sqlite3.Connection) -> None:
    database.execute("PRAGMA journal_mode=DELETE")
    database.execute("BEGIN EXCLUSIVE")  # in WAL mode it would let readers in
    if database.execute("PRAGMA journal_mode").fetchone() != ("delete",):
        raise sqlite3.OperationalError("somebody was quicker")


def _check_empty(database: sqlite3.Connection, path: Path, *, force: bool) -> None:
    tables = {name for (name,) in database.execute(TABLES)}
    held = (
        database.execute(f"SELECT EXISTS (SELECT 1 FROM {table})").fetchone()[0]  # noqa: S608
        for table in schema.RECORDS
        if table in tables
    )
    if not force and any(held):
        _reopen(database)
        raise Refused(f"{path} holds records; --force keeps it beside, and restores over it")


def _reopen(database: sqlite3.Connection) -> None:
    """Leave the file as it was found."""
    with suppress(sqlite3.DatabaseError):
        database.execute("ROLLBACK")
        database.execute("PRAGMA journal_mode=WAL")


@contextmanager
def connected_to(path: Path) -> Iterator[None]:
    """Let Django work on another file; afterwards that is one file, safe on the disk."""
    known = connection.settings_dict["NAME"]
    connection.close()
    connection.settings_dict["NAME"] = str(path)
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict["NAME"] = known
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA journal_mode=DELETE")
    sync(path)


def swap(new: Path, current: Path, kept: Path) -> bool:
    """Put `new` in the place of `current`, in one step, and keep that one; False if there is none.

    Only inside alone(): no file of the old database is left that the new one would take for its
    own.
    """
    existed = current.exists()
    if existed:
        like(new, current)
        kept.hardlink_to(current)
        for suffix in BESIDE:
            with suppress(FileNotFoundError):
                current.with_name(current.name + suffix).rename(kept.with_name(kept.name + suffix))
    new.replace(current)
    sync(current.parent)
    return existed


def _reader(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, isolation_level=None, timeout=20)


def _counts(database: sqlite3.Connection) -> dict[str, int]:
    """The rows of every table, at the instant of the read transaction."""
    return {
        name: database.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0]  # noqa: S608
        for (name,) in database.execute(TABLES).fetchall()
        if not name.startswith("sqlite_")
    }
