from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import tzinfo
from pathlib import Path
from typing import Any, Protocol

from django.utils import timezone

from monitor.origin_database.batches import Misfit, batches, write
from monitor.origin_database.documents import Documents, Files
from monitor.origin_database.lines import StatusLines
from monitor.origin_database.owners import Owners, read_owners
from monitor.origin_database.reader import BYSTANDERS, Origin, Watch, opened, unwatched
from monitor.origin_database.refusal import Refused
from monitor.origin_database.report import Report
from monitor.origin_database.rows import DocumentRow, FileRow, StatusRow, TaskRow, ToolRow
from monitor.origin_database.task_news import Tasks
from monitor.origin_database.times import Times
from monitor.origin_database.tool_calls import ToolCalls

FORMS = {
    "tasks": TaskRow,
    "tool_usage": ToolRow,
    "agent_status": StatusRow,
    "files": FileRow,
    "documents": DocumentRow,
}


@dataclass(frozen=True)
class Options:
    """How to import: `zone` is that of the naive times; `watch` lets progress be shown."""

    zone: tzinfo = field(default_factory=timezone.get_default_timezone)
    dry_run: bool = False
    watch: Watch = unwatched


class Section(Protocol):
    """What takes over the rows of one table."""

    def read(self) -> Iterator[Any]: ...
    def take(self, batch: Sequence[Any]) -> Callable[[], None]: ...
    def refuse(self, item: Any, misfit: Misfit) -> None: ...


def import_database(path: Path, options: Options | None = None) -> Report:
    """Take over what is new in the earlier dashboard's database at `path`.

    First all of it is read, and nothing written; then it is taken over in batches, each proven
    to be in this database before it is committed. Raises Refused, in one line, for a file that
    cannot be read, and for a batch that cannot be proven: those before it stay.
    """
    options = options or Options()
    report = Report(dry_run=options.dry_run)
    rest = "Nothing was imported"
    try:
        with opened(path) as origin:
            owners = _read_all(origin, options, report)
            rest = "What was imported before that stays; import it again"
            _take_all(origin, owners, options, report)
    except Refused as refusal:
        raise Refused(f"{refusal}. {rest}.") from None
    return report


def _read_all(origin: Origin, options: Options, report: Report) -> Owners:
    """Read every row, for a fault of the file must show before anything is written."""
    report.version = origin.version
    report.bystanders = {name: count for name in BYSTANDERS if (count := origin.count(name))}
    origin.watch = _named("Reading", options)
    for table, form in FORMS.items():
        for _ in origin.rows(table, form.__struct_fields__):
            pass
    return read_owners(origin, Times(options.zone, Counter()), report.notes)


def _named(deed: str, options: Options) -> Watch:
    return lambda rows, total, table: options.watch(rows, total, f"{deed} {table}")


def _take_all(origin: Origin, owners: Owners, options: Options, report: Report) -> None:
    origin.watch = _named("Importing", options)
    times = Times(options.zone, report.notes)
    statuses = StatusLines(origin, owners, times, report)
    with_calls = origin.distinct("tool_usage", "task_id")
    sections: dict[str, Section] = {
        "agent_status": statuses,
        "tasks": Tasks(origin, owners, times, report, statuses.started, with_calls),
        "tool_usage": ToolCalls(origin, owners, times, report),
        "files": Files(origin, owners, times, report),
        "documents": Documents(origin, owners, times, report),
    }
    for table, section in sections.items():
        for batch in batches(section.read(), _weight):
            write(batch, section.take, section.refuse, dry_run=options.dry_run)
        _check_balance(table, origin.count(table), report)


def _weight(item: Any) -> int:
    return getattr(item, "weight", 1)


def _check_balance(table: str, rows: int, report: Report) -> None:
    """What was read must have become something, row by row."""
    names = [table, "activity_log"] if table == "tasks" else [table]
    wrong = [name for name in names if not report.lines[name].is_balanced]
    if wrong or report.lines[table].read != rows:
        raise Refused(f"the rows of {', '.join(wrong) or table} do not add up; this is an error")
