"""Takes a backup back: proven and migrated beside the database before it takes its place."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection
from django.utils import timezone

from costs import audit
from monitor.backup import postgresql, schema, sqlite
from monitor.backup.archive import ATTACHMENTS, DATABASE, About, Reader, opened
from monitor.backup.disk import like
from monitor.backup.progress import Progress, Refused


@dataclass(frozen=True)
class Restored:
    """What was restored; `kept` is where the database before it lies, `wrong` counts cells."""

    about: About
    files: int
    kept: Path | None
    migrated: list[schema.Migration]
    wrong: int


def restore(path: Path, *, force: bool, progress: Progress) -> Restored:
    """Make the database and the attachments what they were. Raises Refused or OSError.

    Until the very last step, which is one, the database is as before.
    """
    with opened(path) as backup:
        kind = backup.about.kind
        if kind != connection.vendor:
            raise Refused(f"is of a {kind} database, and DATABASE_URL names {connection.vendor}")
        schema.check(backup.about.migrations)
        step = _restore_sqlite if kind == "sqlite" else _restore_postgresql
        return step(backup, force, progress)


def _restore_sqlite(backup: Reader, force: bool, progress: Progress) -> Restored:
    current = sqlite.file()
    kept = current.with_name(f"{current.name}.before-{timezone.now():%Y%m%d-%H%M%S}")
    with (
        sqlite.alone(current, force=force),
        tempfile.TemporaryDirectory(prefix=".restore.", dir=current.parent) as folder,
    ):
        new = Path(folder, current.name)
        backup.extract(DATABASE, new, progress)
        migrations = sqlite.inspect(new, backup.about.counts, thorough=True)
        with _attachments(backup) as files:
            with sqlite.connected_to(new):
                migrated, wrong = _brought_up_to_date(migrations)
            existed = sqlite.swap(new, current, kept)
    return Restored(backup.about, files, kept if existed else None, migrated, wrong)


def _restore_postgresql(backup: Reader, force: bool, progress: Progress) -> Restored:
    with tempfile.TemporaryDirectory(prefix=".restore.", dir=settings.DATA_DIR) as folder:
        dump = Path(folder, DATABASE)
        backup.extract(DATABASE, dump, progress)
        with _attachments(backup) as files:
            postgresql.load(dump, backup.about.counts)
    migrated, wrong = _brought_up_to_date(backup.about.migrations)
    return Restored(backup.about, files, None, migrated, wrong)


def _brought_up_to_date(migrations: list[schema.Migration]) -> tuple[list[schema.Migration], int]:
    """Migrate the database that Django is connected to; and how many wrong cells its ledger has."""
    older = schema.missing(migrations)
    try:
        if older:
            call_command("migrate", interactive=False, verbosity=0)
        return older, sum(check.wrong for check in audit.check())
    except (CommandError, DatabaseError) as fault:
        raise Refused(f"cannot be brought up to date: {' '.join(str(fault).split())}") from fault


@contextmanager
def _attachments(backup: Reader) -> Iterator[int]:
    """Put back the files that are not there; they go again if the rest fails.

    Their names are drawn at random, so that one which is there is the same file. Of the database
    before, none is touched.
    """
    folder = Path(settings.DATA_DIR, "attachments")
    folder.mkdir(exist_ok=True)
    made: list[Path] = []
    try:
        for name in backup.attachments:
            if not (target := folder / name).exists():
                made.append(target)
                backup.extract(ATTACHMENTS + name, target)
                like(target, folder)
        yield len(backup.attachments)
    except BaseException:
        for path in made:
            path.unlink(missing_ok=True)
        raise
