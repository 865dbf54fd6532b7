"""Writing over HTTP beside bare SQLite, with every answer after its commit."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from statistics import quantiles
from time import perf_counter
from typing import Any

from tests.benchmarks import agents
from tests.benchmarks.clients import Server, load
from tests.benchmarks.place import file
from tests.benchmarks.serving import serving
from tests.benchmarks.timing import at_least, at_most, duration, show

SINGLES, BATCHES, SIZE = 400, 40, 100
BATCH_AIM, HOOK_AIM = 3_000, 10  # events a second; milliseconds at the 95th percentile
HOOKS = "/api/hooks/claude-code"


def usage(number: int) -> dict[str, Any]:
    return {
        "user_id": f"user-{number % 40}",
        "model": "claude-sonnet-4-5",
        "input_tokens": 1_200,
        "output_tokens": 300,
        "session_key": f"new-{number % 20}",
        "source_id": f"request-{number}",
    }


def call(number: int) -> dict[str, Any]:
    return {
        "event": "tool_ended",
        "session_key": f"new-{number // SIZE % 20}",
        "tool_use_id": f"toolu_{number}",
        "tool_name": agents.TOOLS[number % len(agents.TOOLS)],
        "parameters": {"command": "python -m pytest -q", "description": "Run the tests"},
        "success": number % 20 != 0,
        "error": "" if number % 20 else "Exit code 1",
        "duration_ms": number % 5_000,
    }


def hook(number: int) -> dict[str, Any]:
    """Each call twice, before and after it, as an agent sends it."""
    name = "PostToolUse" if number % 2 else "PreToolUse"
    return {
        "session_id": f"hooked-{number // 2 % 20}",
        "transcript_path": "/home/dev/.claude/projects/app/session.jsonl",
        "cwd": "/home/dev/app",
        "permission_mode": "default",
        "hook_event_name": name,
        "tool_name": "Bash",
        "tool_input": {"command": "git status --short", "description": "What changed"},
        "tool_use_id": f"toolu_hook_{number // 2}",
        **(
            {"tool_response": {"stdout": "M app.py\n" * 40}, "duration_ms": 40}
            if number % 2
            else {}
        ),
    }


Make = Callable[[int], Any]
WAYS: dict[str, tuple[str, str, Make]] = {
    "usage": ("/api/usage", "records", usage),
    "tool calls": ("/api/tool-calls", "events", call),
}


def compare() -> None:
    """Print the tables, over a database that holds many tool calls."""
    database = agents.database()
    numbers = count()
    bare = {size: bare_rate(file("bare"), size) for size in (1, SIZE)}
    with serving(database) as (server, _):
        rows = [
            measured(server, numbers, name, clients, size, bare[size])
            for name in WAYS
            for size in (1, SIZE)
            for clients in (1, 8)
        ]
        hooks = [hooked(server, numbers, clients) for clients in (1, 8)]
    show(
        "Events committed a second over HTTP",
        f"Each answer after its commit, synchronous=FULL, {agents.CALLS:,} tool calls present; each"
        " client is a process on the same two cores. Beside it, rows of the same width that bare"
        " sqlite3 commits from one process, one or a hundred a transaction.",
        ["what", "clients", "a request", "events/s", "bare sqlite3", "of bare", "aim"],
        rows,
    )
    show(
        "Answers to a hook",
        f"PreToolUse and PostToolUse in turn, one a request, {agents.CALLS:,} tool calls present.",
        ["clients", "p50", "p95", "hooks/s", "aim"],
        hooks,
    )


def shares(make: Callable[[], Any], clients: int, requests: int) -> list[list[Any]]:
    return [[make() for _ in range(requests // clients)] for _ in range(clients)]


def measured(
    server: Server, numbers: Iterator[int], name: str, clients: int, size: int, bare: float
) -> list[str]:
    path, key, make = WAYS[name]

    def batch() -> Any:
        return {key: [make(next(numbers)) for _ in range(size)]}

    if name == "usage" and size == 1:
        work = shares(lambda: make(next(numbers)), clients, SINGLES)
    else:
        path = f"{path}/batch" if name == "usage" else path
        work = shares(batch, clients, BATCHES if size > 1 else SINGLES)
    seconds, times = load(server, path, work)
    rate = len(times) * size / seconds
    aim = at_least(rate, BATCH_AIM) if size > 1 else "–"
    figures = f"{rate:,.0f}", f"{bare:,.0f}/s", f"{rate / bare:.1%}", aim
    return [name, str(clients), str(size), *figures]


def hooked(server: Server, numbers: Iterator[int], clients: int) -> list[str]:
    first = next(numbers) * 2
    made = count(first)
    work = shares(lambda: hook(next(made)), clients, 2 * SINGLES)
    seconds, times = load(server, HOOKS, work)
    p95 = quantiles(times, n=20)[-1]
    aim = at_most(p95 * 1e3, HOOK_AIM, " ms") if clients == 1 else "–"
    rate = f"{len(times) / seconds:,.0f}"
    return [str(clients), duration(quantiles(times, n=2)[0]), duration(p95), rate, aim]


def bare_rate(path: Path, size: int) -> float:
    """Rows a second that sqlite3 commits by itself, `size` a transaction."""
    path.unlink(missing_ok=True)
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("CREATE TABLE event (id INTEGER PRIMARY KEY, name, at, body)")
    rows = [("Bash", "2026-01-01 00:00:00", "x" * 200)] * size
    began = perf_counter()
    for _ in range(SINGLES):
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany("INSERT INTO event (name, at, body) VALUES (?, ?, ?)", rows)
        connection.execute("COMMIT")
    rate = SINGLES * size / (perf_counter() - began)
    connection.close()
    return rate
