"""The earlier dashboard's database, read from a private copy: its own folder is never touched.

Even a reader leaves traces beside a database in WAL mode, and one that is written to meanwhile
would change under the import.
"""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings

from monitor.origin_database.refusal import Refused

MAGIC = b"SQLite format 3\0"
BESIDE = ("-wal", "-journal")  # what a database that was not closed has beside it
ATTEMPTS = 3
# SQLite's own words on a damaged schema repeat bytes of it, which may be no text.
DAMAGE = (sqlite3.Error, UnicodeDecodeError)
VERSIONS = range(1, 15)
LONGEST = 10**8  # bytes of one text
REQUIRED = {
    "schema_version": {"version"},
    "tasks": {"task_id", "user_id", "description", "status", "created_at", "updated_at"},
    "tool_usage": {"id", "timestamp", "task_id", "tool_name", "success"},
    "agent_status": {"id", "timestamp", "task_id", "status"},
}
OPTIONAL = {
    "files": {"file_path", "first_seen", "last_accessed", "access_count"},
    "documents": {"id", "path", "status", "created_at", "updated_at"},
}
BYSTANDERS = ("users", "games", "messages")

Raw = dict[str, Any]
Watch = Callable[[Iterable[Any], int, str], Iterable[Any]]


def unwatched(rows: Iterable[Any], total: int, what: str) -> Iterable[Any]:
    return rows


class Origin:
    """One opened database: which tables and columns it has, and their rows as they stand.

    `watch` is given the rows of a table, their number and its name, so that progress can be shown.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        self.watch: Watch = unwatched
        self.columns = self._columns()
        self.version = self._version()

    def has(self, table: str) -> bool:
        return table in self.columns

    def count(self, table: str) -> int:
        """How many rows a table has; none where it is missing."""
        if not self.has(table):
            return 0
        return int(self._all(f"SELECT count(*) FROM {table}")[0][0])  # noqa: S608  (a known name)

    def rows(self, table: str, fields: Sequence[str], order: str = "1") -> Iterator[Raw]:
        """The rows of a table with those of `fields` that it has; none where it is missing.

        Raises Refused where the file proves to be damaged.
        """
        if not self.has(table):
            return
        names = [name for name in fields if name in self.columns[table]]
        sql = f"SELECT {', '.join(names)} FROM {table} ORDER BY {order}"  # noqa: S608  (known names)
        try:
            for row in self.watch(self.connection.execute(sql), self.count(table), table):
                yield dict(zip(names, row, strict=True))
        except DAMAGE as fault:
            raise _damaged(fault) from None

    def distinct(self, table: str, column: str) -> set[Any]:
        return {row[0] for row in self._all(f"SELECT DISTINCT {column} FROM {table}")}  # noqa: S608

    def _columns(self) -> dict[str, set[str]]:
        found = {
            name: {column for (column,) in self._all("SELECT name FROM pragma_table_info(?)", name)}
            for (name,) in self._all("SELECT name FROM sqlite_master WHERE type = 'table'")
        }
        if "django_migrations" in found:
            raise Refused("this is a database of the monitor itself; name the earlier dashboard's")
        if missing := REQUIRED.keys() - found:
            raise Refused(
                f"not a database of the earlier dashboard: no table {', '.join(sorted(missing))}"
            )
        for table, needed in (REQUIRED | OPTIONAL).items():
            if missing := needed - found.get(table, needed):
                raise Refused(f"table {table} has no column {', '.join(sorted(missing))}")
        return found

    def _version(self) -> int:
        versions = [version for (version,) in self._all("SELECT version FROM schema_version")]
        if not versions or any(version not in VERSIONS for version in versions):
            stranger = next((v for v in versions if v not in VERSIONS), "none")
            raise Refused(
                f"its schema version is {str(stranger)[:40]!r}; known are"
                f" {VERSIONS[0]} to {VERSIONS[-1]}"
            )
        return int(max(versions))

    def _all(self, sql: str, *values: str) -> list[Any]:
        try:
            return self.connection.execute(sql, values).fetchall()
        except DAMAGE as fault:
            raise _damaged(fault) from None


@contextmanager
def opened(path: Path) -> Iterator[Origin]:
    """The database at `path`. Raises Refused for what is none, or damaged, or another's."""
    _check_file(path)
    with closing(_connected(path.resolve())) as connection:
        yield Origin(connection)


def _connected(path: Path) -> sqlite3.Connection:
    """A sound copy, opened and then deleted: nothing of it is left, whatever ends this process."""
    with _private_folder() as folder:
        connection = sqlite3.connect(_copied(path, folder / "origin.db"))
        try:
            connection.text_factory = _text
            connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LONGEST)
            _check_pages(connection)
        except BaseException:
            connection.close()
            raise
    return connection


def _text(value: bytes) -> str:
    return value.decode("utf-8", "surrogateescape")


def _check_file(path: Path) -> None:
    try:
        if path.is_dir():
            raise Refused("is a folder; name the database file in it")
        if not path.exists():
            raise Refused("no such file")
        if not path.is_file():
            raise Refused("not a file that could be copied")
        with path.open("rb") as file:
            if file.read(len(MAGIC)) != MAGIC:
                raise Refused("not an SQLite database")
    except OSError as fault:
        raise Refused(f"cannot be read: {fault.strerror or fault}") from None


@contextmanager
def _private_folder() -> Iterator[Path]:
    # Beside the database: the system's temporary folder may lie in memory.
    try:
        settings.DATA_DIR.mkdir(parents=True, exist_ok=True)
        folder = tempfile.TemporaryDirectory(prefix="origin-", dir=settings.DATA_DIR)
    except OSError as fault:
        raise Refused(f"{settings.DATA_DIR}: {fault.strerror or fault}") from None
    with folder as name:
        yield Path(name)


def _copied(path: Path, copy: Path) -> Path:
    """A copy of the file and of what belongs to it, all of one moment."""
    for _ in range(ATTEMPTS):
        before = _state(path)
        try:
            _copy_all(path, copy)
        except FileNotFoundError:  # what lay beside it was cleared away
            continue
        except OSError as fault:
            raise Refused(f"cannot be copied to {copy.parent}: {fault.strerror or fault}") from None
        if _state(path) == before:
            return copy
    raise Refused("changes while it is copied: stop the earlier dashboard, then import again")


def _copy_all(path: Path, copy: Path) -> None:
    for suffix in ("", *BESIDE):
        target = copy.with_name(copy.name + suffix)
        target.unlink(missing_ok=True)
        source = path.with_name(path.name + suffix)
        if not suffix or source.exists():
            shutil.copyfile(source, target)


def _state(path: Path) -> list[tuple[int, int, int] | None]:
    """What changes when somebody writes: size, time and identity of each file."""
    states: list[tuple[int, int, int] | None] = []
    for suffix in ("", *BESIDE):
        try:
            stat = path.with_name(path.name + suffix).stat()
            states.append((stat.st_size, stat.st_mtime_ns, stat.st_ino))
        except FileNotFoundError:
            states.append(None)
    return states


def _check_pages(connection: sqlite3.Connection) -> None:
    try:
        connection.execute("PRAGMA cell_size_check = ON")
        verdict = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        connection.execute("PRAGMA journal_mode = DELETE")  # no file but the one that is open
        connection.execute("PRAGMA query_only = ON")
    except DAMAGE as fault:
        raise _damaged(fault) from None
    if verdict != "ok":
        raise _damaged(verdict.replace("\n", " "))


def _damaged(cause: object) -> Refused:
    return Refused(f"is damaged or cut off ({cause}); bring a sound copy")
