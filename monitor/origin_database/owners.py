"""To whom the rows of tool_usage belong: their task_id is that of a task, or of a session."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice

from monitor.origin_database.reader import Origin, Raw
from monitor.origin_database.rows import TaskRow, Unreadable, read_task
from monitor.origin_database.times import Times
from tasks.models import Task

CHUNK = 1_000
FIELDS = tuple(name for name in TaskRow.__struct_fields__ if name != "activity_log")
SOURCE = "origin"


@dataclass(frozen=True, slots=True)
class Owner:
    """The session that holds the calls of an id, its task if it has one, and their facts."""

    session_key: str
    task_id: str = ""
    facts: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Owners:
    """All tasks of the origin by their ids, and by those of their sessions.

    `strangers` are tasks whose ids belong to other tasks here, with the reason to think so.
    """

    tasks: dict[str, Owner] = field(default_factory=dict)
    sessions: dict[str, Owner] = field(default_factory=dict)
    strangers: dict[str, str] = field(default_factory=dict)

    def of(self, id: str) -> Owner:
        """Whose calls those of `id` are; a session of its own where no task is named so."""
        return self.tasks.get(id) or self.sessions.get(id) or Owner(id, facts={"source": SOURCE})

    def add(self, row: TaskRow, notes: Counter[str]) -> None:
        """Take in a task, the older ones first: a session that two tasks claim is the first's."""
        key = row.session_uuid or row.task_id
        if key in self.sessions:
            notes["tasks that claim the session of an older task: each keeps its own calls"] += 1
            key = row.task_id
        facts = {
            "user_id": str(row.user_id),
            "agent": row.agent_type or "",
            "model": row.model or "",
            "workspace": (row.workspace or "")[:4000],
            "source": SOURCE,
        }
        owner = self.tasks[row.task_id] = Owner(key, row.task_id, facts)
        if row.session_uuid and key == row.session_uuid:
            self.sessions[key] = owner


def read_owners(origin: Origin, times: Times, notes: Counter[str]) -> Owners:
    """The tasks of `origin`, held against those known here. Nothing is written."""
    owners = Owners()
    rows = origin.rows("tasks", FIELDS, "created_at, task_id")
    while chunk := list(islice(rows, CHUNK)):
        _add(owners, chunk, times, notes)
    return owners


def _add(owners: Owners, chunk: Iterable[Raw], times: Times, notes: Counter[str]) -> None:
    readable: list[tuple[TaskRow, datetime]] = []
    for raw in chunk:
        try:
            row = read_task(raw)
            readable.append((row, times.instant(row.created_at, "created_at")))
        except Unreadable:  # the import itself lists it; its calls are none the less a task's
            if isinstance(id := raw["task_id"], str):
                owners.tasks[id] = Owner(id, id, {"source": SOURCE})
    ids = [row.task_id for row, _ in readable]
    here = {task.id: task for task in Task.objects.filter(id__in=ids)}
    for row, created_at in readable:
        if cause := _estranged(row, created_at, here.get(row.task_id)):
            owners.strangers[row.task_id] = cause
        else:
            owners.add(row, notes)


def _estranged(row: TaskRow, created_at: datetime, here: Task | None) -> str:
    """Why the task known here by the id of `row` is another one; blank if it is not."""
    if here is None:
        return ""
    if here.created_at != created_at:
        return (
            f"a task of that id was created at {here.created_at.isoformat()} here: another task,"
            " or times of another --timezone"
        )
    if here.user_id != str(row.user_id):
        return f"a task of that id belongs to user {here.user_id!r} here: another task"
    return ""
