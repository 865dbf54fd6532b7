"""The route on which agents write the logs of their tasks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Annotated, Any

from django.db import transaction
from django.utils import timezone
from dmr import Path, modify
from dmr.plugins.msgspec import BodyMsgspec
from msgspec import Meta, Struct
from msgspec.structs import replace

from records.api import NOT_FOUND, Api
from tasks.api.address import TaskPath, known, locked
from tasks.api.reports import EventId, Lines, State, Time
from tasks.identity import Invalid
from tasks.models import Activity, Task
from tasks.reporting import Report, prepare, write

MAX_LINES = 1_000
MICROSECOND = timedelta(microseconds=1)


class Entry(Struct, frozen=True, kw_only=True):
    message: str = ""
    at: Time | None = None
    status: State | None = None
    output_lines: Lines | None = None
    metadata: Mapping[str, Any] | None = None
    event_id: EventId = ""

    def report(self, task: Task, now: datetime) -> Report:
        told = {name: getattr(self, name) for name in Entry.__struct_fields__}
        dated = {"status": self.status or "", "at": self.at or now}
        return Report(**told | dated, task_id=task.id)


class NewLogLine(Entry, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A line of the log at `at`, by default now; with a `status` it also tells the task's state."""

    message: Annotated[str, Meta(min_length=1)]


class NewLogLines(Entry, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Either one line with its `message`, or `lines` and nothing else."""

    lines: Annotated[list[NewLogLine], Meta(max_length=MAX_LINES)] = []

    def entries(self) -> Sequence[Entry]:
        if self.lines and self != NewLogLines(lines=self.lines):
            raise Invalid("lines", "send lines, or one line without this key, not both")
        if not self.lines and not self.message:
            raise Invalid("message", "a line has a text; or send “lines”, a list of 1 to 1,000")
        return self.lines or [self]


class LinesLogged(Struct):
    added: Annotated[int, Meta(description="Lines that are new.")]
    known: Annotated[int, Meta(description="Lines that were there already.")]


class LogApi(Api):
    tags = ("Tasks",)
    permission = "tasks.change_task"
    responses = (*Api.responses, NOT_FOUND)

    @modify(status_code=HTTPStatus.OK)
    def post(
        self, parsed_path: Path[TaskPath], parsed_body: BodyMsgspec[NewLogLines]
    ) -> LinesLogged:
        """Append to the log of a task.

        One line, or up to 1,000 of which all are stored or none. A line is known by its
        `event_id`, or else by its time, status and message; so give one of `event_id` and `at`
        for a repeat to be recognized.
        """
        task, entries = known(parsed_path), parsed_body.entries()
        try:
            reports = prepared(entries, task)
        except Invalid as fault:
            place = f"lines[{fault.place}]." if parsed_body.lines else ""
            raise Invalid(f"{place}{fault.field}", fault.cause) from None
        undated = {entry.event_id for entry in entries if not entry.at} - {""}
        with transaction.atomic():
            locked(task)
            added = write(as_told_before(reports, undated)).lines
        return LinesLogged(added, len(reports) - added)


def prepared(entries: Sequence[Entry], task: Task) -> list[Report]:
    """The reports of the lines; those without a time happen now, in their order."""
    now = timezone.now()
    return [
        prepare(entry.report(task, now + place * MICROSECOND), place)
        for place, entry in enumerate(entries)
    ]


def as_told_before(reports: Sequence[Report], undated: Set[str]) -> list[Report]:
    """The reports, with the times of known lines for those of the events `undated`."""
    ids = {report.task_id for report in reports}
    known = Activity.objects.filter(task_id__in=ids, event_id__in=undated)
    times = dict(known.values_list("event_id", "time")) if undated else {}
    return [replace(report, at=times.get(report.event_id, report.at)) for report in reports]
