from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import tzinfo
from hashlib import file_digest
from pathlib import Path
from typing import BinaryIO

from django.conf import settings
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from costs import ledger
from costs.models import UsageImport
from costs.usage_json.booking import Booking
from costs.usage_json.clock import Clock
from costs.usage_json.events import JsonStream
from costs.usage_json.reader import Reader, Record, UserUsage
from costs.usage_json.refusal import Refused
from costs.usage_json.report import Report
from costs.usage_json.spool import Spool, no_room
from records.cures import told


def _unwatched(items: Iterable[Record], total: int) -> Iterable[Record]:
    return items


def _plain(file: BinaryIO, size: int) -> BinaryIO:
    return file


@dataclass(frozen=True)
class Options:
    """How to import: `zone` is that of the naive times; the two hooks let progress be shown."""

    zone: tzinfo = field(default_factory=timezone.get_default_timezone)
    source: str = "usage.json"
    dry_run: bool = False
    backup: bool = True
    trust_records: bool = False
    watch_reading: Callable[[BinaryIO, int], BinaryIO] = _plain
    watch_booking: Callable[[Iterable[Record], int], Iterable[Record]] = _unwatched


def import_file(path: Path, options: Options | None = None) -> Report:
    """Take over what is new in the usage.json at `path`, all of it or nothing.

    First the whole file is read and checked, without a lock; then what is new is booked, and
    proven by the ledger's own sums, in one transaction. Raises Refused, in one line, for a file
    that cannot be read, checked or proven; the database is then as it was, the file always is.
    """
    options = options or Options()
    report = Report(path.name, options.source)
    try:
        with Spool() as spool:
            users = _read(path, options, report, spool)
            with _backup(path, report, wanted=options.backup and not options.dry_run):
                _book(options, report, spool, users)
    except OSError as fault:
        raise no_room(fault) from None
    if report.saved:
        report.unsealed = _sealed()
    return report


def _read(path: Path, options: Options, report: Report, spool: Spool) -> list[UserUsage]:
    notes: Counter[str] = Counter()
    try:
        with path.open("rb") as file:
            stream = JsonStream(options.watch_reading(file, path.stat().st_size))
            clock = Clock(options.zone, notes)
            users = Reader(stream.events(), clock, spool.add, notes).users()
    except OSError as fault:
        raise Refused(f"cannot be read: {fault.strerror or fault}") from None
    if stream.had_bom:
        notes["byte order mark at the beginning: passed over"] += 1
    report.notes.update(notes)
    report.sha256, report.size = stream.digest.hexdigest(), stream.size
    return users


@contextmanager
def _backup(path: Path, report: Report, *, wanted: bool) -> Iterator[None]:
    """Keep a copy of the file while the block books it, and for good if that went well.

    A copy that an earlier import made of the same content serves again.
    """
    if not wanted:
        yield
        return
    for earlier in UsageImport.objects.filter(sha256=report.sha256).exclude(backup=""):
        if Path(earlier.backup).is_file():
            report.backup = earlier.backup
            yield
            return
    copy = _copied(path, report.sha256)
    report.backup = str(copy)
    try:
        yield
    except BaseException:
        copy.unlink(missing_ok=True)
        raise


def _copied(path: Path, sha256: str) -> Path:
    """A copy in DATA_DIR/backups; refused if it is not what was read."""
    stamp = timezone.now().strftime("%Y%m%dT%H%M%S.%fZ")
    copy = Path(settings.DATA_DIR) / "backups" / f"{path.stem}-{stamp}{path.suffix}"
    try:
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)
        with copy.open("rb") as file:
            digest = file_digest(file, "sha256").hexdigest()
    except OSError as fault:
        raise Refused(f"no backup could be made at {copy}: {fault.strerror or fault}") from None
    if digest != sha256:
        copy.unlink()
        raise Refused("changed while it was read; import it again")
    return copy


def _book(options: Options, report: Report, spool: Spool, users: list[UserUsage]) -> None:
    records = options.watch_booking(spool.records(), spool.count)
    with transaction.atomic():
        Booking(report, trust_records=options.trust_records).book(users, records)
        if options.dry_run:
            transaction.set_rollback(True)
            return
        _keep(report)
    report.saved = True


def _sealed() -> str:
    """Roll up what was booked. Where that fails, the reason: the import stands all the same.

    In a transaction of the caller's, as that of a migration, all is done or nothing.
    """
    try:
        ledger.seal()
    except DatabaseError as fault:
        if connection.in_atomic_block:
            raise
        return told(fault)
    return ""


def _keep(report: Report) -> UsageImport:
    return UsageImport.objects.create(
        file_name=report.file_name[:255],
        source=report.source,
        sha256=report.sha256,
        size=report.size,
        backup=report.backup,
        users=len(report.lines),
        records_read=report.sum("read"),
        records_added=report.sum("added"),
        records_skipped=report.sum("skipped"),
        requests_carried_forward=report.sum("carried_requests"),
        requests_before=report.before.requests,
        requests_after=report.after.requests,
        cost_nano_before=report.before.cost_nano,
        cost_nano_after=report.after.cost_nano,
        report=report.as_json(),
    )
