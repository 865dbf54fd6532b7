"""Made tasks, sessions and tool calls in bulk, the same for the same seed."""

from __future__ import annotations

import json
import os
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from random import Random
from typing import Any

from django.db import connection
from django.db.models import Model

from sessions.models import FileAccess, Session, ToolCall
from sessions.rollups import TABLES, Sums, gathered
from sessions.spans import HOUR
from tasks.errors import category, fingerprint
from tasks.models import Activity, Status, Task
from tests.benchmarks import ledgers
from tests.benchmarks.ledgers import settle
from tests.benchmarks.place import exists, new_database, open_database

SEED = 3
DAYS = 90
NAME = "agents"
CALLS = int(os.environ.get("BENCHMARK_CALLS", "1000000"))
TASKS, SESSIONS = CALLS // 50, CALLS // 500
LONGEST = CALLS // 100  # calls of the session "session-0"
LINKED = 4  # one session in so many works on a task
TOOLS = ("Bash", "Read", "Edit", "Grep", "Glob", "Write", "TodoWrite", "Task", "WebFetch")
FILES = 200
ERRORS = (
    "No such file or directory: /workspace/{}/main.py",
    "Exit code {}",
    "Permission denied: port {}",
    "Request timed out after {} ms",
)
STATES = (Status.COMPLETED,) * 7 + (Status.FAILED, Status.STOPPED)


def database() -> str:
    """The name of a database filled as below; made once a run, and open in this process."""
    if not exists(NAME):
        open_database(new_database(NAME))
        fill(datetime.now(UTC))
        settle()
    open_database(NAME)
    return NAME


def stored(instant: datetime | None) -> Any:
    return connection.ops.adapt_datetimefield_value(instant)


def insert(table: type[Model], rows: Iterable[dict[str, Any]]) -> None:
    """Insert rows that name the same columns, past the ORM and what it keeps up."""
    rest = iter(rows)
    while batch := list(islice(rest, 10_000)):
        columns = list(batch[0])
        values = [tuple(row[column] for column in columns) for row in batch]
        ledgers.insert(table._meta.db_table, columns, values)


def fill(end: datetime) -> None:
    """Fill the database with what agents did in the DAYS before `end`."""
    random = Random(SEED)
    insert(Task, tasks(random, end))
    insert(Activity, logs(end))
    insert(Session, sessions(random, end))
    shares = Shares()
    insert(ToolCall, calls(random, shares))
    shares.book()


def tasks(random: Random, end: datetime) -> Iterator[dict[str, Any]]:
    for number in range(TASKS):
        begun = end - timedelta(days=DAYS * random.random(), minutes=20)
        running = number < 30
        state = Status.RUNNING if running else random.choice(STATES)
        heard = end - timedelta(minutes=number % 25) if running else begun + timedelta(minutes=12)
        error = random.choice(ERRORS).format(number) if state == Status.FAILED else ""
        texts = ("last_agent_type", "workflow", "phase", "context", "result", "host")
        yield {
            "id": f"task-{number}",
            "user_id": f"user-{number % 40}",
            "description": f"Make the parser of part {number} accept empty rows",
            "status": state.value,
            "status_at": stored(heard),
            "created_at": stored(begun),
            "updated_at": stored(heard),
            "started_at": stored(begun),
            "finished_at": None if running else stored(heard),
            "model": random.choice(["sonnet", "haiku", "opus"]),
            "workspace": "/workspace",
            "agent_type": "code_agent",
            "phase_number": 0,
            "error": error,
            "error_category": category(error) if error else "",
            "error_fingerprint": fingerprint(error) if error else "",
            "facts_at": "{}",
        } | dict.fromkeys(texts, "")


def logs(end: datetime) -> Iterator[dict[str, Any]]:
    for number in range(2 * TASKS):
        yield {
            "task_id": f"task-{number // 2}",
            "time": stored(end - timedelta(minutes=number)),
            "status": "",
            "message": f"Line {number} of the log",
            "metadata": "{}",
            "event_id": str(number),
        }


def sessions(random: Random, end: datetime) -> Iterator[dict[str, Any]]:
    texts = ("workspace", "host", "git_branch", "title", "end_reason", "source")
    for number in range(SESSIONS):
        begun = end - timedelta(days=DAYS * random.random(), hours=2) if number else None
        begun = begun or end - timedelta(hours=3)
        count = LONGEST if number == 0 else (CALLS - LONGEST) // (SESSIONS - 1)
        yield {
            "key": f"session-{number}",
            "task_id": f"task-{number}" if number % LINKED == 1 else None,
            "user_id": f"user-{number % 40}",
            "agent": "code_agent",
            "model": "sonnet",
            "started_at": stored(begun),
            "last_activity_at": stored(begun + timedelta(hours=1)),
            "calls": count,
            "failures": count // 20,
            "facts_at": "{}",
        } | dict.fromkeys(texts, "")


def calls(random: Random, shares: Shares) -> Iterator[dict[str, Any]]:
    begun = dict(Session.objects.values_list("id", "started_at"))
    counts = dict(Session.objects.values_list("id", "calls"))
    for session_id, count in counts.items():
        for number in range(count):
            start = begun[session_id] + timedelta(hours=1) * number / count
            yield shares.counted(call(random, session_id, number, start), start)


def call(random: Random, session_id: int, number: int, start: datetime) -> dict[str, Any]:
    tool, length = TOOLS[number % len(TOOLS)], int(random.lognormvariate(6, 1.5))
    failed = number % 20 == 0
    error = ERRORS[number % 4].format(random.randrange(9_999)) if failed else ""
    path = f"/workspace/src/part_{number % FILES}.py" if tool in ("Read", "Edit", "Write") else ""
    return {
        "session_id": session_id,
        "tool_use_id": str(number),
        "tool_name": tool,
        "started_at": stored(start),
        "reported_start_at": stored(start),
        "finished_at": stored(start + timedelta(milliseconds=length)),
        "duration_ms": length,
        "success": not failed,
        "error": error,
        "error_category": category(error) if failed else "",
        "error_fingerprint": fingerprint(error) if failed else "",
        "parameters": json.dumps(parameters(tool, number, path)),
        "file_path": path,
    } | dict.fromkeys(
        ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens"), 0
    )


def parameters(tool: str, number: int, path: str) -> dict[str, Any]:
    if tool == "TodoWrite":
        states = ("completed", "in_progress", "pending")
        return {"todos": [{"content": f"Step {n}", "status": states[n % 3]} for n in range(6)]}
    if path:
        return {"file_path": path, "offset": number}
    return {"command": f"python -m pytest -q tests/part_{number % 50}", "description": "Test it"}


class Shares:
    """The rollups of made calls, kept as sessions.recording keeps them."""

    def __init__(self) -> None:
        self.hours: dict[tuple[str, datetime], Sums] = defaultdict(Sums)
        self.files: Counter[Any] = Counter()

    def counted(self, row: dict[str, Any], start: datetime) -> dict[str, Any]:
        hour = HOUR.floor(start.astimezone(UTC))
        self.hours[row["tool_name"], hour].count(row["success"], row["duration_ms"])
        if row["file_path"]:
            self.files[row["session_id"], row["file_path"]] += 1
        return row

    def book(self) -> None:
        begun = dict(Session.objects.values_list("id", "started_at"))
        for table in TABLES:
            table.objects.bulk_create(
                table(tool_name=tool, **{table.key: unit}, **sums.fields)
                for (tool, unit), sums in gathered(table, self.hours).items()
            )
        rows = [
            {"session_id": id, "path": path, "reads": count, "writes": 0, "edits": 0}
            | dict.fromkeys(("first_at", "last_at"), stored(begun[id]))
            for (id, path), count in self.files.items()
        ]
        insert(FileAccess, rows)
