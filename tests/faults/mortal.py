"""Runs commands in processes that die at a moment told beforehand: python -m tests.faults.mortal

Each line of the standard input is a Job as JSON; the answer, a line of JSON too, comes when its
process has ended. All of them are forks of this one, so that a death costs no start of Django.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
STEPS = 300  # of SQLite's machine between two moments within one statement


@dataclass(frozen=True)
class Job:
    """A command on the database `name`, to be killed at the moment number `last`, if there is one.

    Where `sign` is given, only statements that hold it are moments. What it says goes to `out`.
    """

    name: str
    command: list[str]
    data_dir: str
    last: int | None = None
    out: str = os.devnull
    sign: str = ""


@dataclass(frozen=True)
class End:
    status: int  # -9 where it was killed
    moments: int  # that the process lived through, where it was not


class Mortals:
    """The process that forks, as a test sees it."""

    def __init__(self, environment: dict[str, str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.mortal"],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def begin(self, job: Job) -> Callable[[], End]:
        """Start it; to be asked for its end before another begins."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(asdict(job)) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout
        return lambda: End(**json.loads(answer.readline()))

    def run(self, job: Job) -> End:
        return self.begin(job)()

    def close(self) -> None:
        self._process.communicate()


@contextmanager
def mortals(environment: dict[str, str]) -> Iterator[Mortals]:
    made = Mortals(environment)
    try:
        yield made
    finally:
        made.close()


class Fate:
    """Counts the moments of this process, and ends it at the last one."""

    def __init__(self, last: int | None, sign: str) -> None:
        self.moments, self.last, self.sign = 0, last, sign

    def moment(self, statement: str = "") -> int:
        if self.sign not in statement:
            return 0
        self.moments += 1
        if self.moments == self.last:
            os.kill(os.getpid(), signal.SIGKILL)
        return 0

    def watch(self, connection: Any, **told: Any) -> None:
        """Each statement is a moment, and so is each commit; with SQLite many within them too."""
        if connection.vendor == "sqlite":
            connection.connection.set_trace_callback(self.moment)
            connection.connection.set_progress_handler(self.moment, STEPS)
            return
        connection.execute_wrappers[:] = [self.around]
        commit = type(connection)._commit
        connection._commit = lambda: (self.moment(), commit(connection), self.moment())

    def around(self, execute: Any, sql: str, *args: Any) -> Any:
        self.moment(sql)
        answer = execute(sql, *args)
        self.moment()
        return answer


def live(job: Job, report: int) -> int:
    """The exit code of the command, run in this process."""
    from django.conf import settings
    from django.core.management import CommandError, call_command
    from django.db import connections
    from django.db.backends.signals import connection_created

    out = os.open(job.out, os.O_WRONLY | os.O_CREAT)
    os.dup2(out, 1)
    os.dup2(out, 2)
    connections.settings["default"]["NAME"] = job.name
    settings.DATA_DIR, settings.USAGE_JSON = Path(job.data_dir), Path(job.data_dir, "usage.json")
    fate = Fate(job.last, job.sign)
    connection_created.connect(fate.watch)
    try:
        call_command(*job.command)
        code = 0
    except CommandError as fault:
        sys.stderr.write(f"CommandError: {fault}\n")
        code = 1
    connections.close_all()
    os.write(report, str(fate.moments).encode())
    return code


def run(job: Job) -> End:
    """Fork, and wait for the end."""
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        code = 70
        try:
            code = live(job, write)
        except BaseException:
            sys.stderr.write(traceback.format_exc())
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
    os.close(write)
    _, status = os.waitpid(pid, 0)
    moments = os.read(read, 20).decode()
    os.close(read)
    return End(os.waitstatus_to_exitcode(status), int(moments or 0))


def main() -> None:
    import django

    django.setup()
    import monitor.asgi
    import monitor.management.commands.serve  # noqa: F401  (all that a child would import)

    gc.freeze()
    for line in sys.stdin:
        sys.stdout.write(json.dumps(asdict(run(Job(**json.loads(line))))) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
