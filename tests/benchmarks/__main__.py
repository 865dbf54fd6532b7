"""Measures the ledger against the old way and bare SQL, and the pages, the API and its
streams over a million calls.

Trust the ratios, not the times. Everything happens in a temporary folder.
"""

from __future__ import annotations

import platform
import sqlite3
import tempfile
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path

from tests.benchmarks.place import new_database, open_beside, open_database, settle_in
from tests.benchmarks.timing import say

LEDGER, OVER_AGENTS = ("importing", "reading", "inserting"), ("pages", "api", "streams")
PARTS = LEDGER + OVER_AGENTS
FACTORS = {"k": 10**3, "m": 10**6}
RUNS, IMPORTS = 3, 2


def size(text: str) -> int:
    """A number of records: 500, 10k, 1m."""
    number, factor = text.lower(), 1
    if number[-1:] in FACTORS:
        number, factor = number[:-1], FACTORS[number[-1]]
    if not number.isdecimal() or int(number) == 0:
        raise ArgumentTypeError(f"{text!r} is no number of records; try 10k or 1m")
    return int(number) * factor


def arguments() -> Namespace:
    parser = ArgumentParser(prog="script/bench", description=__doc__)
    parser.add_argument(
        "--sizes",
        type=lambda text: sorted(size(part) for part in text.split(",")),
        default=[10_000, 100_000, 1_000_000],
        help="numbers of records, as in 10k,100k,1m (the default)",
    )
    parser.add_argument("--only", choices=PARTS, help="one part instead of all")
    return parser.parse_args()


def main() -> None:
    chosen = arguments()
    parts = [chosen.only] if chosen.only else PARTS
    say(
        f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, {platform.machine()}"
    )
    with tempfile.TemporaryDirectory(prefix="agent-monitor-bench-") as folder:
        settle_in(Path(folder))
        if set(parts) & set(LEDGER):
            run(Path(folder), chosen.sizes, parts)
        for part in parts:
            if part in OVER_AGENTS:
                import_module(f"tests.benchmarks.{part}").compare(Path(folder))


def run(folder: Path, sizes: list[int], parts: Sequence[str]) -> None:
    from tests.benchmarks import importing, inserting, reading
    from tests.benchmarks.data import write_usage_json

    end, largest = datetime.now(UTC), sizes[-1]
    files = {count: folder / f"{count}.json" for count in sizes}
    for count, path in files.items():
        write_usage_json(path, count, end.replace(tzinfo=None))
    if "importing" in parts:
        single = folder / f"{largest}-one-user.json"
        write_usage_json(single, largest, end.replace(tzinfo=None), users=1)
        importing.compare({files[largest]: IMPORTS, single: 1})
        single.unlink()
    ledgers = {count: importing.imported(path) for count, path in files.items()}
    if "inserting" in parts:
        open_database(new_database(folder, "inserting", like=ledgers[largest].stem))
        for alias in inserting.WITHOUT_ROLLUPS:
            open_beside(alias, new_database(folder, alias, like=ledgers[largest].stem))
        inserting.compare(largest)
    if "reading" in parts:
        reading.compare({count: (files[count], ledgers[count]) for count in sizes}, end, RUNS)


if __name__ == "__main__":
    main()
