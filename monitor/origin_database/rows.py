"""The rows of each table, checked: SQLite holds any type in any column."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeVar

import msgspec
from msgspec import Meta, Struct

from costs.usage import storable
from monitor.origin_database.reader import Raw
from sessions.events import Count, Key
from sessions.models.tool_call import MAX_PATH, MAX_TOOL_NAME
from tasks.identity import Invalid, check_ids
from tasks.models import Status
from tasks.models.task import MAX_ID
from tasks.reporting import Name, Number

Time = Annotated[str, Meta(max_length=40)]
TaskId = Annotated[str, Meta(min_length=1, max_length=MAX_ID)]
Path = Annotated[str, Meta(min_length=1, max_length=MAX_PATH)]
Tally = Annotated[int, Meta(ge=0, le=2**53 - 1)]
IDS = ("task_id", "user_id", "session_uuid")
PLAIN = frozenset({"model", "agent_type", "workflow", "current_phase", "last_agent_type"}) | {
    "tool_name",
    "status",
    "file_path",
    "file_hash",
    "path",
}
OLD_STATES = {"in_progress": Status.RUNNING.value}


class Unreadable(ValueError):
    """A row, or a line of a log, that cannot be taken over; the text says why."""


class TaskRow(Struct, kw_only=True):
    task_id: TaskId
    user_id: int | Annotated[str, Meta(max_length=64)]
    description: str
    status: str
    created_at: Time
    updated_at: Time
    model: Name | None = None
    workspace: str | None = None
    agent_type: Name | None = None
    last_agent_type: Name | None = None
    workflow: Name | None = None
    context: str | None = None
    current_phase: Name | None = None
    phase_number: Number | None = None
    pid: Number | None = None
    result: str | None = None
    error: str | None = None
    activity_log: Any = None
    session_uuid: Annotated[str, Meta(max_length=200)] | None = None


class LogEntry(Struct, kw_only=True):
    timestamp: Time
    message: str | None = None
    output_lines: Annotated[int, Meta(ge=0, le=10**12)] | None = None


class StatusRow(Struct, kw_only=True):
    id: int
    timestamp: Time
    task_id: TaskId
    status: Annotated[str, Meta(max_length=32)]
    message: str | None = None
    metadata: Any = None


class ToolRow(Struct, kw_only=True):
    id: int
    timestamp: Time
    task_id: Key
    tool_name: Annotated[str, Meta(min_length=1, max_length=MAX_TOOL_NAME)]
    success: Literal[0, 1] | None
    duration_ms: Annotated[float, Meta(ge=0, le=10**12)] | None = None
    error: str | None = None
    parameters: Any = None
    screenshot_path: Any = None
    input_tokens: Count | None = None
    output_tokens: Count | None = None
    cache_creation_tokens: Count | None = None
    cache_read_tokens: Count | None = None


class FileRow(Struct, kw_only=True):
    file_path: Path
    first_seen: Time
    last_accessed: Time
    access_count: Tally
    task_ids: str | None = None
    operations: str | None = None
    file_size: Tally | None = None
    file_hash: Annotated[str, Meta(max_length=128)] | None = None


class DocumentRow(Struct, kw_only=True):
    id: int
    path: Path
    status: Literal["active", "archived", "deleted"]
    created_at: Time
    updated_at: Time
    archived_at: Time | None = None
    task_id: Annotated[str, Meta(max_length=MAX_ID)] | None = None
    notes: str | None = None


Form = TypeVar("Form", bound=Struct)
Parsed = TypeVar("Parsed")


def read(raw: Raw, form: type[Form]) -> Form:
    """The row as a `form`; raises Unreadable, naming the column that is wrong."""
    try:
        row = msgspec.convert(raw, form)
        check_ids(row, [name for name in IDS if isinstance(getattr(row, name, None), str)])
    except msgspec.ValidationError as fault:
        cause, _, path = str(fault).partition(" - at `$.")
        raise Unreadable(f"{path.rstrip('`')}: {cause}" if path else cause) from None
    except Invalid as fault:
        raise Unreadable(str(fault)) from None
    for name in PLAIN.intersection(form.__struct_fields__):
        if not storable(getattr(row, name) or ""):
            raise Unreadable(f"{name}: holds a character that cannot be stored")
    return row


def read_task(raw: Raw) -> TaskRow:
    """A row of tasks, its status in today's word; raises Unreadable."""
    row = read(raw, TaskRow)
    row.user_id = str(row.user_id)
    row.status = OLD_STATES.get(row.status, row.status)
    if row.status not in Status.values:
        raise Unreadable(f"status: {row.status[:40]!r} is not known")
    return row


def parsed(text: Any, form: type[Parsed], name: str) -> Parsed:
    """The JSON in a column; raises Unreadable for none, or another kind of value."""
    try:
        return msgspec.json.decode(text, type=form)
    except (TypeError, ValueError, RecursionError) as fault:
        raise Unreadable(f"{name}: {str(fault)[:100]}") from None


def json_object(value: Any) -> tuple[dict[str, Any], bool]:
    """The object in a JSON column, and whether it was one: what is none is kept as `raw`."""
    if value in (None, "", "null"):
        return {}, True
    try:
        return parsed(value, dict[str, Any], "json"), True
    except Unreadable:
        text = value.decode("utf-8", "replace") if isinstance(value, bytes) else value
        return {"raw": text}, False
