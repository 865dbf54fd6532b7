"""How agents report on tasks: in any order, any number of times, with the same outcome."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from django.db import transaction
from msgspec import Meta, Struct
from msgspec.structs import replace

from tasks.facts import learn
from tasks.identity import Invalid, check_ids, checked
from tasks.instants import instant
from tasks.models import Activity, Status, Task
from tasks.models.activity import event_digest
from tasks.models.task import MAX_ID, MAX_NAME
from tasks.redaction import clean, clean_text

LIMITS = {"description": 10_000, "context": 100_000, "error": 10_000, "result": 100_000}
LIMITS |= {"message": 4_000, "workspace": 4_000}

Name = Annotated[str, Meta(max_length=MAX_NAME)]
Number = Annotated[int, Meta(ge=0, le=2**31 - 1)]


class Facts(Struct, frozen=True, kw_only=True):
    """What may be said of a task besides its state; blank tells nothing."""

    user_id: Annotated[str, Meta(max_length=64)] = ""
    description: str = ""
    model: Name = ""
    workspace: str = ""
    agent_type: Name = ""
    last_agent_type: Name = ""
    workflow: Name = ""
    phase: Name = ""
    phase_number: Number | None = None
    context: str = ""
    pid: Number | None = None
    host: Annotated[str, Meta(max_length=255)] = ""


FACTS = Facts.__struct_fields__


class Report(Facts, frozen=True, kw_only=True):
    """News of a task at `at` (aware); a task that is not known yet is made.

    `status` is one of Status, or blank for a mere line of the log; `error` and `result` belong to
    it. Of several states the one reported for the latest time counts, of facts likewise; blank
    tells nothing. `event_id` tells events apart; left blank, equal ones are one.
    """

    task_id: Annotated[str, Meta(min_length=1, max_length=MAX_ID)]
    at: Annotated[datetime, Meta(tz=True)]
    status: str = ""
    message: str = ""
    event_id: Annotated[str, Meta(max_length=64)] = ""
    error: str = ""
    result: str = ""
    output_lines: Annotated[int, Meta(ge=0, le=10**12)] | None = None
    metadata: Mapping[str, Any] | None = None
    created_at: Annotated[datetime, Meta(tz=True)] | None = None


@dataclass(frozen=True, slots=True)
class Reported:
    """How many tasks, and lines of their logs, are new or changed."""

    tasks: int
    lines: int


def report(**fields: Any) -> bool:
    """Report one event, with the fields of Report; answers whether it was news.

    Committed when this returns outside a transaction of the caller's. Raises Invalid, a
    ValueError, naming the field that is wrong.
    """
    told = report_many([Report(**fields)])
    return told.tasks + told.lines > 0


def report_many(reports: Sequence[Report]) -> Reported:
    """Report many events in one transaction: all of them or, on Invalid, none."""
    return write([prepare(event, place) for place, event in enumerate(reports)])


def write(prepared: Iterable[Report]) -> Reported:
    """Report what prepare() has answered, in one transaction."""
    by_task: dict[str, list[Report]] = defaultdict(list)
    for event in prepared:
        by_task[event.task_id].append(event)
    with transaction.atomic():
        changed = sum(_told(task, by_task[task.id]) for task in _locked(by_task))
        return Reported(changed, _logged(by_task))


def prepare(event: Report, place: int = 0) -> Report:
    """The event as it may be stored. Raises Invalid, naming its field, at `place`."""
    try:
        return _prepared(event)
    except Invalid as fault:
        fault.place = place
        raise


def _prepared(event: Report) -> Report:
    """The event with its texts cut, its secrets taken out and its times in UTC."""
    changes: dict[str, Any] = {
        name: clean_text(text, limit)
        for name, limit in LIMITS.items()
        if isinstance(text := getattr(event, name), str)
    }
    changes["metadata"] = clean(event.metadata or {})
    prepared: Report = checked(event, changes)
    check_ids(prepared, ("task_id", "user_id", "event_id"))
    if prepared.status and prepared.status not in Status.values:
        raise Invalid("status", f"expected one of {', '.join(Status.values)}")
    times = {"at": instant("at", prepared.at)}
    if prepared.created_at:
        times["created_at"] = instant("created_at", prepared.created_at)
    return replace(prepared, **times)


def _locked(by_task: Mapping[str, Sequence[Report]]) -> list[Task]:
    """The tasks, made where unknown, in the order of their ids: two batches never cross.

    One that was pruned while this waited for its row is made anew.
    """
    first = {id: min(event.at for event in events) for id, events in by_task.items()}
    Task.objects.bulk_create(
        [
            Task(id=id, created_at=at, updated_at=at, status_at=at)
            for id, at in sorted(first.items())
        ],
        ignore_conflicts=True,
    )
    tasks = list(Task.objects.select_for_update().filter(id__in=by_task).order_by("id"))
    return tasks if len(tasks) == len(by_task) else _locked(by_task)


def _told(task: Task, events: Sequence[Report]) -> bool:
    """Merge the events into the row; answers whether it changed."""
    before = _values(task)
    for event in events:
        task.take(event.status, event.at, event.created_at, error=event.error, result=event.result)
        learn(task, {name: getattr(event, name) for name in FACTS}, event.at)
    changed = _values(task) != before
    if changed:
        task.save()
    return changed


def _values(task: Task) -> dict[str, Any]:
    return {field.attname: getattr(task, field.attname) for field in Task._meta.concrete_fields}


def _logged(by_task: Mapping[str, Sequence[Report]]) -> int:
    """Write the lines of the logs that are new; answers how many. The tasks are locked."""
    lines = {
        (line.task_id, line.event_id): line
        for events in by_task.values()
        for event in events
        if event.status or event.message
        if (line := _line(event))
    }
    known = Activity.objects.filter(
        task_id__in=by_task, event_id__in={event_id for _, event_id in lines}
    ).values_list("task_id", "event_id")
    new = lines.keys() - set(known)
    Activity.objects.bulk_create([lines[key] for key in sorted(new)])
    return len(new)


def _line(event: Report) -> Activity:
    message = event.message or event.error
    return Activity(
        task_id=event.task_id,
        time=event.at,
        status=event.status,
        message=message,
        output_lines=event.output_lines,
        metadata=event.metadata or {},
        event_id=event.event_id or event_digest(event.at, event.status, message),
    )
