"""Makes a backup: complete, verified and safe on the disk before it gets its name."""

from __future__ import annotations

import tarfile
import tempfile
from pathlib import Path

from django.conf import settings
from django.db import connection
from django.utils import timezone

from monitor.backup import postgresql, sqlite
from monitor.backup.archive import ATTACHMENTS, DATABASE, About, Writer, opened
from monitor.backup.disk import sync
from monitor.backup.progress import Progress, Refused


def make(path: Path, *, force: bool, progress: Progress) -> About:
    """Write a backup to `path`, in place of another file there only with `force`.

    Consistent while others write. What it is made of lies beside `path` meanwhile, for its owner
    alone: the database twice. Raises Refused or OSError; then `path` is as it was.
    """
    _check_target(path, force=force)
    with tempfile.TemporaryDirectory(prefix=f".{path.name}.", dir=path.parent) as folder:
        draft = Path(folder, "backup")
        about, files = _database(Path(folder, DATABASE), progress)
        with tarfile.open(draft, mode="x:") as tar:
            _pack(Writer(tar), Path(folder, DATABASE), about, files)
        sync(draft)
        with opened(draft) as written:
            written.check(progress)
        draft.chmod(0o600)
        _check_target(path, force=force)
        draft.replace(path)
    sync(path.parent)
    return about


def _check_target(path: Path, *, force: bool) -> None:
    if not path.parent.is_dir():
        raise Refused(f"there is no folder {path.parent}")
    if path.is_dir():
        raise Refused("is a folder; name a file in it")
    if path.exists() and _is_the_database(path):
        raise Refused("is the database itself")
    if path.exists() and not force:
        raise Refused("exists already; --force overwrites it")


def _is_the_database(path: Path) -> bool:
    database = sqlite.file() if connection.vendor == "sqlite" else path / "elsewhere"
    return database.exists() and path.samefile(database)


def _database(target: Path, progress: Progress) -> tuple[About, list[str]]:
    """Copy the database; answers what is in it, and the names of the files that go with it."""
    made_at = timezone.now()
    if connection.vendor == "postgresql":
        counts, migrations, files = postgresql.dump(target)
    else:
        if not sqlite.file().exists():
            raise Refused(f"there is no database {sqlite.file()} yet")
        counts, files = sqlite.copy(sqlite.file(), target, progress)
        migrations = sqlite.inspect(target, counts, thorough=False)
    about = About(
        made_at=made_at, kind=connection.vendor, migrations=sorted(migrations), counts=counts
    )
    return about, files


def _pack(writer: Writer, database: Path, about: About, files: list[str]) -> None:
    """Put everything in; an attachment that was deleted since the copy, or lost, is counted."""
    writer.add(DATABASE, database)
    database.unlink()
    for name in files:
        try:
            writer.add(ATTACHMENTS + name, Path(settings.DATA_DIR, "attachments", name))
        except FileNotFoundError:
            about.missing += 1
    writer.add_about(about)
