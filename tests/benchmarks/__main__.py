"""Measures the ledger against the old way and bare SQL, how reads hold as it grows, and the pages,
the API and its streams over many tool calls.

Trust the ratios, not the times. Everything happens in a temporary folder.
"""

from __future__ import annotations

import os
import platform
import shlex
import subprocess
import sys
import tempfile
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from time import monotonic

from tests.benchmarks.place import server_version, settle_in
from tests.benchmarks.timing import said, say

GROWING, OF_LARGEST = (
    ("by_hand", "scale", "storage"),
    ("inserting", "holding", "retention", "starting"),
)
PARTS = {
    "importing": "the import of a usage.json against json.load and executemany",
    "inserting": "records with their rollups against bare inserts",
    "holding": "eight clients that hold transactions open",
    "reading": "figures against the old way's parse and loop",
    "by_hand": "figures against SQL by hand over a plain table",
    "scale": "pages, API and limits as the ledger grows",
    "storage": "the size on disk against a plain schema",
    "retention": "pruning half of the ledger beside a writer and a reader",
    "pages": "pages over many tool calls",
    "api": "writing over HTTP",
    "streams": "500 open streams",
    "starting": "memory and start of the server",
}
FILES = ("importing", "reading")
"""The parts that need a usage.json; it stays at a size that the old way can parse."""
LARGEST_FILE = 1_000_000
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


def sizes(text: str) -> list[int]:
    return sorted(size(part) for part in text.split(","))


def arguments() -> Namespace:
    parser = ArgumentParser(prog="script/bench", description=__doc__)
    parser.add_argument(
        "--sizes",
        type=sizes,
        default="10k,100k",
        help="numbers of cost records, as in 10k,100k,1m,10m (default 10k,100k)",
    )
    parser.add_argument(
        "--calls", type=size, default="100k", help="number of tool calls (default 100k)"
    )
    parser.add_argument(
        "--database",
        choices=("sqlite", "postgres", "both"),
        default="sqlite",
        help="SQLite by default; PostgreSQL is that of TEST_DATABASE_URL or a private one",
    )
    parts = "; ".join(f"{part}: {words}" for part, words in PARTS.items())
    parser.add_argument("--only", choices=PARTS, action="append", help=f"of these parts: {parts}")
    parser.add_argument("--write", type=Path, help="add what is printed to this file of Markdown")
    return parser.parse_args()


def main() -> None:
    chosen = arguments()
    if chosen.database == "both":
        for database in ("sqlite", "postgres"):
            run_again(["--database", database])
    elif chosen.database == "postgres" and "DATABASE_URL" not in os.environ:
        run_again([], ["tests.postgres", sys.executable, "-m"])
    else:
        measure(chosen)


def run_again(options: list[str], through: Sequence[str] = ()) -> None:
    """This command with more options in a process of its own, as Django knows one database."""
    command = [sys.executable, "-m", *through, "tests.benchmarks", *sys.argv[1:], *options]
    unset = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    if code := subprocess.run(command, env=unset).returncode:
        sys.exit(code)


def measure(chosen: Namespace) -> None:
    server = os.environ.pop("DATABASE_URL", "") if chosen.database == "postgres" else ""
    os.environ["BENCHMARK_CALLS"] = str(chosen.calls)
    began = monotonic()
    try:
        with tempfile.TemporaryDirectory(prefix="agent-monitor-bench-") as folder:
            settle_in(Path(folder), server)
            introduce()
            for part in chosen.only or PARTS:
                run(part, chosen.sizes, Path(folder))
        say(f"\nThis took {(monotonic() - began) / 60:.1f} minutes.\n")
    finally:
        if chosen.write:
            with chosen.write.open("a") as file:
                file.write("\n".join(said))


def introduce() -> None:
    say(f"# {server_version()}\n")
    say(
        f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores, {platform.machine()},"
        f" Python {platform.python_version()}; `script/bench {shlex.join(sys.argv[1:])}`"
    )


def run(part: str, numbers: list[int], folder: Path) -> None:
    module, largest = import_module(f"tests.benchmarks.{part}"), numbers[-1]
    if part in FILES:
        run_with_files(part, [number for number in numbers if number <= LARGEST_FILE], folder)
    elif part in GROWING:
        module.compare(numbers)
    elif part in OF_LARGEST:
        module.compare(largest)
    else:
        module.compare()


def run_with_files(part: str, numbers: list[int], folder: Path) -> None:
    from tests.benchmarks import importing, reading
    from tests.benchmarks.data import usage_json

    files = {number: usage_json(folder, number) for number in numbers}
    if part == "importing":
        single = usage_json(folder, numbers[-1], users=1)
        importing.compare({files[numbers[-1]]: IMPORTS, single: 1})
    else:
        ledgers = {number: importing.imported(path) for number, path in files.items()}
        reading.compare({n: (files[n], ledgers[n]) for n in numbers}, datetime.now(UTC), RUNS)


if __name__ == "__main__":
    main()
