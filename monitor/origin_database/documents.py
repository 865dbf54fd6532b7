"""The rows of files and documents: of two words on one path the later one counts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from docsviewer.models import Document
from monitor.origin_database.batches import Misfit
from monitor.origin_database.owners import Owners
from monitor.origin_database.reader import Origin
from monitor.origin_database.refusal import Refused
from monitor.origin_database.report import Report
from monitor.origin_database.rows import (
    DocumentRow,
    FileRow,
    Tally,
    Unreadable,
    parsed,
    read,
)
from monitor.origin_database.times import Times
from sessions.models import ImportedFile
from tasks.models import Task
from tasks.redaction import clean_text

MAX_NOTES = 10_000
KNOWN_OPERATIONS = {"read": "reads", "write": "writes", "edit": "edits"}


@dataclass(frozen=True, slots=True)
class Entry:
    """A file or document: its path, when it was last told of, its values and its tasks."""

    path: str
    at: datetime
    values: dict[str, Any]
    tasks: tuple[str, ...] = ()
    weight: int = 1


@dataclass(slots=True)
class Files:
    origin: Origin
    owners: Owners
    times: Times
    report: Report

    def read(self) -> Iterator[Entry]:
        for raw in self.origin.rows("files", FileRow.__struct_fields__, "file_path"):
            self.report.lines["files"].read += 1
            try:
                yield self._entry(read(raw, FileRow))
            except Unreadable as fault:
                self.report.refuse("files", raw["file_path"], fault)

    def _entry(self, row: FileRow) -> Entry:
        operations = parsed(row.operations or "{}", dict[str, Tally], "operations")
        ids = parsed(row.task_ids or "[]", list[str], "task_ids")
        notes = self.report.notes
        notes["file operations other than read, write and edit: in the sum of accesses alone"] += (
            sum(operations[name] for name in operations.keys() - KNOWN_OPERATIONS.keys())
        )
        tasks = {self.owners.of(id).task_id for id in ids} - {""}
        notes["ids at files that are no task's: passed over"] += sum(
            not self.owners.of(id).task_id for id in ids
        )
        first_at = self.times.instant(row.first_seen, "first_seen")
        last_at = self.times.instant(row.last_accessed, "last_accessed", first_at)
        values = {
            "first_at": first_at,
            "last_at": last_at,
            "accesses": row.access_count,
            "size": row.file_size,
            "digest": row.file_hash or "",
        }
        values |= {ours: operations.get(name, 0) for name, ours in KNOWN_OPERATIONS.items()}
        return Entry(row.file_path, last_at, values, tuple(sorted(tasks)))

    def take(self, batch: Sequence[Entry]) -> Callable[[], None]:
        paths = [entry.path for entry in batch]
        known = {file.path: file.last_at for file in ImportedFile.objects.filter(path__in=paths)}
        for entry in batch:
            if entry.path in known and known[entry.path] > entry.at:
                continue
            file, _ = ImportedFile.objects.update_or_create(path=entry.path, defaults=entry.values)
            file.tasks.add(*Task.objects.filter(id__in=entry.tasks))
        if lost := len(batch) - ImportedFile.objects.filter(path__in=paths).count():
            raise Refused(f"{lost:,} files were written, but are not found again")
        new, there = len(batch) - len(known), len(known)
        return lambda: self.report.book("files", added=new, there=there)

    def refuse(self, entry: Entry, misfit: Misfit) -> None:
        self.report.refuse("files", entry.path, misfit)


@dataclass(slots=True)
class Documents:
    origin: Origin
    owners: Owners
    times: Times
    report: Report

    def read(self) -> Iterator[Entry]:
        for raw in self.origin.rows("documents", DocumentRow.__struct_fields__, "id"):
            self.report.lines["documents"].read += 1
            try:
                yield self._entry(read(raw, DocumentRow))
            except Unreadable as fault:
                self.report.refuse("documents", raw["id"], fault)

    def _entry(self, row: DocumentRow) -> Entry:
        created_at = self.times.instant(row.created_at, "created_at")
        updated_at = self.times.instant(row.updated_at, "updated_at", created_at)
        archived_at = row.archived_at and self.times.instant(
            row.archived_at, "archived_at", created_at
        )
        is_strange = row.task_id in self.owners.strangers
        self.report.notes["documents of a task that was left out: without their task"] += is_strange
        values = {
            "status": row.status,
            "created_at": created_at,
            "updated_at": updated_at,
            "archived_at": archived_at or None,
            "notes": clean_text(row.notes or "", MAX_NOTES),
            "task_id": None if is_strange else row.task_id or None,
        }
        return Entry(row.path, updated_at, values)

    def take(self, batch: Sequence[Entry]) -> Callable[[], None]:
        paths = [entry.path for entry in batch]
        known = dict(Document.objects.filter(path__in=paths).values_list("path", "updated_at"))
        for entry in batch:
            if entry.path not in known or known[entry.path] <= entry.at:
                Document.objects.update_or_create(path=entry.path, defaults=entry.values)
        if lost := len(batch) - Document.objects.filter(path__in=paths).count():
            raise Refused(f"{lost:,} documents were written, but are not found again")
        new, there = len(batch) - len(known), len(known)
        return lambda: self.report.book("documents", added=new, there=there)

    def refuse(self, entry: Entry, misfit: Misfit) -> None:
        self.report.refuse("documents", entry.path, misfit)
