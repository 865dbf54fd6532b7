"""The origin's two kinds of log, the activity_log of a task and agent_status, as Activity."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from monitor.origin_database.batches import Misfit
from monitor.origin_database.owners import Owners
from monitor.origin_database.reader import Origin
from monitor.origin_database.refusal import Refused
from monitor.origin_database.report import Report
from monitor.origin_database.rows import (
    LogEntry,
    StatusRow,
    TaskRow,
    Unreadable,
    json_object,
    parsed,
    read,
)
from monitor.origin_database.times import Times
from tasks.models import Activity
from tasks.redaction import clean, clean_text
from tasks.reporting import LIMITS

LINE = ("timestamp", "message", "output_lines")


def log_lines(row: TaskRow, since: datetime, times: Times, report: Report) -> list[Activity]:
    """The readable entries of a task's log, in order; the others are refused."""
    try:
        entries: list[Any] = parsed(row.activity_log or b"[]", list[Any], "activity_log")
    except Unreadable as fault:
        report.lines["activity_log"].read += 1
        report.refuse("activity_log", row.task_id, f"task {row.task_id}: {fault}")
        return []
    report.lines["activity_log"].read += len(entries)
    lines: list[Activity] = []
    for index, entry in enumerate(entries):
        try:
            lines.append(_log_line(row.task_id, index, entry, lines, since, times))
        except Unreadable as fault:
            report.refuse("activity_log", f"{row.task_id}[{index}]", fault)
    return lines


def _log_line(
    task_id: str,
    index: int,
    entry: Any,
    before: Sequence[Activity],
    since: datetime,
    times: Times,
) -> Activity:
    told = read(entry, LogEntry)
    return Activity(
        task_id=task_id,
        time=times.instant(told.timestamp, "timestamp", before[-1].time if before else since),
        message=clean_text(told.message or "", LIMITS["message"]),
        output_lines=told.output_lines,
        metadata=clean({name: value for name, value in entry.items() if name not in LINE}),
        event_id=f"log:{index}",
    )


@dataclass(slots=True)
class StatusLines:
    """The rows of agent_status; `started` gathers when tasks were first told to have started."""

    origin: Origin
    owners: Owners
    times: Times
    report: Report
    started: dict[str, Activity] = field(default_factory=dict)

    def read(self) -> Iterator[Activity]:
        previous: datetime | None = None
        for raw in self.origin.rows("agent_status", StatusRow.__struct_fields__, "id"):
            self.report.lines["agent_status"].read += 1
            try:
                line = self._line(read(raw, StatusRow), previous)
            except Unreadable as fault:
                self.report.refuse("agent_status", raw["id"], fault)
                continue
            previous = line.time
            if line.status == "started" and line.task_id in self.owners.tasks:
                self.started.setdefault(line.task_id, line)
            yield line

    def _line(self, row: StatusRow, previous: datetime | None) -> Activity:
        if cause := self.owners.strangers.get(row.task_id):
            raise Unreadable(cause)
        metadata, is_object = json_object(row.metadata)
        self.report.notes["metadata that are no JSON object: kept as raw"] += not is_object
        return Activity(
            task_id=row.task_id,
            time=self.times.instant(row.timestamp, "timestamp", previous),
            status=row.status,
            message=clean_text(row.message or "", LIMITS["message"]),
            metadata=clean(metadata),
            event_id=f"status:{row.id}",
        )

    def take(self, batch: Sequence[Activity]) -> Callable[[], None]:
        added = write_lines(batch)
        there = len(batch) - added
        return lambda: self.report.book("agent_status", added=added, there=there)

    def refuse(self, line: Activity, misfit: Misfit) -> None:
        self.report.refuse("agent_status", line.event_id, misfit)


def write_lines(lines: Sequence[Activity]) -> int:
    """Add the lines that are not there; answers how many. Raises Refused if one is not found.

    The states of their tasks stay as they are: these words tell of tools, or of nothing.
    """
    wanted = {(line.task_id, line.event_id): line for line in lines}
    known = _found(wanted)
    Activity.objects.bulk_create(
        [line for key, line in wanted.items() if key not in known], ignore_conflicts=True
    )
    if lost := wanted.keys() - _found(wanted):
        raise Refused(f"{len(lost)} lines of logs were written, but are not found again")
    return len(wanted.keys() - known)


def _found(wanted: dict[tuple[str, str], Activity]) -> set[tuple[str, str]]:
    ids = Counter(event_id for _, event_id in wanted)
    found = Activity.objects.filter(
        task_id__in={task_id for task_id, _ in wanted}, event_id__in=ids
    ).values_list("task_id", "event_id")
    return wanted.keys() & set(found)
