"""Pruning half of a ledger while others write and read."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from statistics import quantiles
from time import perf_counter, sleep

from tests.benchmarks import ledgers, place
from tests.benchmarks.data import DAYS
from tests.benchmarks.others import PAUSE, Told, beside
from tests.benchmarks.timing import at_most, duration, show

AIM = 50  # milliseconds, at the 99th percentile
ALONE = 5  # seconds that the others run by themselves
PROGRAMS = [["write"], ["read"]]


def compare(size: int) -> None:
    name = place.new_database("pruned", like=ledgers.sized(size))
    place.open_database(name)
    before, full = _figures(), place.size(name)
    alone = beside(name, PROGRAMS, lambda: sleep(ALONE))
    began = perf_counter()
    pruned = beside(name, PROGRAMS, lambda: _prune(name))
    seconds = perf_counter() - began
    if (after := _figures()) != before:
        raise SystemExit(f"The prune changed history: {before} became {after}")
    show(
        f"Pruning half of {size:,} records",
        f"`prune_costs`, a process of its own, took {seconds:.1f} s. Beside it one process writes"
        f" (record_usage, committed) and one reads (30 days by model), with {PAUSE * 1e3:g} ms"
        " between two deeds. Every figure of history was the same afterwards."
        f" {full / 1e6:,.0f} MB on disk became {place.size(name) / 1e6:,.0f} MB.",
        ["who", "deeds", "p50 alone", "p99 alone", "p50 beside", "p99 beside", "longest", "aim"],
        [_row(*row) for row in zip(PROGRAMS, alone, pruned, strict=True)],
    )


def _row(program: list[str], alone: Told, pruned: Told) -> list[str]:
    p99 = quantiles(pruned.times, n=100)[-1]
    return [
        program[0],
        f"{len(pruned.times):,}",
        duration(quantiles(alone.times, n=2)[0]),
        duration(quantiles(alone.times, n=100)[-1]),
        duration(quantiles(pruned.times, n=2)[0]),
        duration(p99),
        duration(max(pruned.times)),
        at_most(p99 * 1e3, AIM, " ms"),
    ]


def _figures() -> object:
    """What history says, without what the writers add today."""
    from costs import windows

    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    spans = [(windows.EPOCH, today - timedelta(days=days)) for days in (1, 30, 210, 399)]
    return [(windows.by_model(*span), windows.by_user(*span)) for span in spans]


def _prune(name: str) -> None:
    command = [sys.executable, "manage.py", "prune_costs", "--days", str(DAYS // 2)]
    environment = os.environ | {"DATABASE_URL": place.url(name)}
    subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)
