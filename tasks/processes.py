"""The processes of agents on this host: whether one lives, and how to ask it to end."""

from __future__ import annotations

import os
import signal
import socket
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tasks.models import Status, Task

SLACK = timedelta(seconds=1)  # between a process and the news of it, as two clocks tell them
GONE = ("Z", "X")  # ended, but not yet forgotten by its parent


def is_here(task: Task) -> bool:
    """Whether the task names a process of this host."""
    return task.pid is not None and task.pid > 0 and task.host == socket.gethostname()


def alive(pid: int, known_at: datetime | None = None) -> bool:
    """Whether process `pid` of this host lives, and is the one that lived at `known_at`.

    A number that was given anew to a later process answers no. Where the host does not tell when
    a process began, the number alone decides. Raises ValueError for a number below 1, which
    would mean a group of processes.
    """
    if pid < 1:
        raise ValueError(f"{pid} is not the number of a process.")
    try:
        os.kill(pid, 0)
    except PermissionError:
        pass  # it lives, and is somebody else's
    except (ProcessLookupError, OverflowError):
        return False
    state, began = _told_of(pid)
    reused = known_at and began and began > known_at + SLACK
    return state not in GONE and not reused


def named_at(task: Task) -> datetime | None:
    """When the process of a task was last named: it had begun by then."""
    told: dict[str, str] = task.facts_at
    return datetime.fromisoformat(told["pid"]) if "pid" in told else task.started_at


def ask_to_end(task: Task) -> bool:
    """Send SIGTERM to the process of a task that runs or was just stopped; answers whether it was.

    Only where that process surely is the task's: of this host, begun before it was named, and
    neither this process nor its parent nor the host's first.
    """
    if task.status not in (Status.RUNNING, Status.STOPPED) or not is_here(task):
        return False
    pid, known_at = task.pid or 0, named_at(task)
    if pid in (1, os.getpid(), os.getppid()) or not known_at:
        return False
    _, began = _told_of(pid)
    if not began or not alive(pid, known_at):
        return False
    try:
        os.kill(pid, signal.SIGTERM)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def _told_of(pid: int) -> tuple[str, datetime | None]:
    """The state of a process and when it began, as Linux tells them; blank and None elsewhere."""
    try:
        told = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except OSError:
        return "", None
    state, *others = told.rpartition(")")[2].split()  # its name, in (), may hold anything
    booted = time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)
    began = booted + int(others[18]) / os.sysconf("SC_CLK_TCK")
    return state, datetime.fromtimestamp(began, UTC)
