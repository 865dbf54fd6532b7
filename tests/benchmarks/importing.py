"""The import of usage.json against bare json.load + executemany, each in a process of its own.

Run as a module with `ledger` or `bare` and a file, it is that process: it imports into the
database of the environment, and prints its seconds and its peak memory in MB as JSON.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from statistics import median
from typing import Any

import django

from tests.benchmarks.place import exists, new_database, url
from tests.benchmarks.timing import at_most, duration, seconds, show

MEMORY = 150  # MB
RATIO = 3


def imported(path: Path) -> str:
    """The database into which the ledger imported `path`, made if no comparison did."""
    name = f"{path.stem}-ledger"
    if not exists(name):
        _measure("ledger", path)
    return name


def _measure(way: str, path: Path) -> tuple[float, float]:
    """Seconds and peak MB of one import in a fresh process on a fresh database."""
    database = new_database(f"{path.stem}-{way}")
    answer = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.importing", way, str(path)],
        env=os.environ | {"DATABASE_URL": url(database)},
        check=True,
        stdout=subprocess.PIPE,
    )
    time, memory = json.loads(answer.stdout)
    return time, memory


def compare(files: dict[Path, int]) -> None:
    """Print the table; `files` tells how often each is imported in both ways."""
    show(
        "Import of usage.json",
        "Import: costs.usage_json.import_file reads, checks, backs up, books, proves and seals."
        " Bare: json.load + executemany of the same rows into the same table, in one transaction."
        " Each in a fresh process on a fresh database, whose start is not counted; in turn. Median"
        " time, highest peak memory.",
        ["file", "MB", "runs", "import", "bare", "ratio", "aim", "peak", "bare peak", "aim"],
        [_compared(path, runs) for path, runs in files.items()],
    )


def _compared(path: Path, runs: int) -> list[str]:
    pairs = [[_measure(way, path) for way in ("ledger", "bare")] for _ in range(runs)]
    (time, memory), (bare, bare_memory) = (
        (median(time for time, _ in results), max(memory for _, memory in results))
        for results in zip(*pairs, strict=True)
    )
    return [
        path.stem,
        f"{path.stat().st_size / 1e6:.0f}",
        str(runs),
        duration(time),
        duration(bare),
        f"{time / bare:.2f}x",
        at_most(time / bare, RATIO),
        f"{memory:.0f} MB",
        f"{bare_memory:.0f} MB",
        at_most(memory, MEMORY, " MB"),
    ]


def _bare_import(path: Path) -> None:
    from django.db import connection, transaction

    from costs.ledger import INSERT, VALUES

    with path.open() as file:
        users = json.load(file)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.executemany(f"{INSERT} {VALUES}", _bare_rows(users))


def _bare_rows(users: dict[str, Any]) -> Iterator[tuple[Any, ...]]:
    """The values of costs.usage.COLUMNS by the shortest way; times are UTC already."""
    from django.db import connection

    from records.fields import stored

    for user_id, user in users.items():
        for record in user["records"]:
            yield (
                stored(datetime.fromisoformat(record["timestamp"] + "+00:00"), connection),
                user_id,
                record["model"],
                record["request_type"],
                "",
                "usage.json",
                None,
                record["input_tokens"],
                record["output_tokens"],
                0,
                0,
                0,
                round(record["cost"] * 1e9),
                1,
                "file",
            )


def _ledger_import(path: Path) -> None:
    from costs.usage_json import import_file

    import_file(path)


def main(way: str, path: Path) -> None:
    django.setup()
    deed = {"ledger": _ledger_import, "bare": _bare_import}[way]
    time = seconds(lambda: deed(path))
    json.dump((time, _peak_memory()), sys.stdout)


def _peak_memory() -> float:
    """MB. Linux is asked elsewhere: its ru_maxrss begins with the peak of the parent process."""
    status = Path("/proc/self/status")
    if status.exists():
        return int(status.read_text().split("VmHWM:")[1].split()[0]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
