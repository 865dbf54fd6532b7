"""The old way against the ledger: three figures, and the recording of one request."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from costs import ledger
from costs.limits import check_limits
from costs.totals import Spend
from costs.windows import by_model, spend
from tests.benchmarks import origin
from tests.benchmarks.data import HEAVIEST, records
from tests.benchmarks.place import open_database
from tests.benchmarks.timing import at_least, duration, repeated, show

FIGURES_AIM = {1_000_000: 5_000.0}
RECORDING_AIM = {100_000: 1_000.0}
LEDGER_RUNS = 300
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Figure:
    """One figure both ways: from parsed users, and from the ledger; the answers are alike."""

    name: str
    old: Callable[[origin.Users], object]
    new: Callable[[], object]


def figures(end: datetime) -> list[Figure]:
    """The figures at `end`, aware UTC; the old way takes naive times."""
    naive = end.replace(tzinfo=None)
    return [
        Figure(
            "24 h cost and requests",
            lambda users: origin.spend(users, naive - DAY, naive),
            lambda: _pair(spend(end - DAY, end)),
        ),
        Figure(
            "30 days by model",
            lambda users: origin.by_model(users, naive - 30 * DAY, naive),
            lambda: {name: _pair(sums) for name, sums in by_model(end - 30 * DAY, end).items()},
        ),
        Figure(
            "check_limits, heaviest user",
            lambda users: origin.check_limits(users, HEAVIEST, naive),
            _limits,
        ),
    ]


def _pair(sums: Spend) -> tuple[int, int]:
    return sums.requests, sums.cost_nano


def _limits() -> tuple[bool, int, int]:
    verdict = check_limits(HEAVIEST)
    return verdict.allowed, verdict.daily.spent_nano, verdict.monthly.spent_nano


def compare(sizes: dict[int, tuple[Path, str]], end: datetime, runs: int) -> None:
    """Print the table; `sizes` are usage.json and ledger for each number of records."""
    rows = []
    for size, (path, database) in sizes.items():
        open_database(database)
        ledger.seal()
        _prove_equal(path, end)
        for figure in figures(end):
            rows.append(_compared(figure, path, size, runs))
        rows.append(_recording(path, size, runs))
    show(
        "The old way against the ledger",
        "Both hold the same records, and every figure was equal to the nano-dollar. Old: parse"
        " usage.json and loop (to record: append, and rewrite all of it, without parsing). Ledger:"
        " costs.windows and costs.limits, sealed to this hour (to record: record_usage, committed)."
        f" Medians of {runs} and {LEDGER_RUNS} runs.",
        ["figure", "records", "old", "of it the loop", "ledger", "ratio", "aim"],
        rows,
    )


def _prove_equal(path: Path, end: datetime) -> None:
    users = origin.exact(origin.load(path))
    for figure in figures(end):
        old, new = figure.old(users), figure.new()
        if old != new:
            raise SystemExit(f"{figure.name}: the loop found {old}, the ledger {new}")


def _compared(figure: Figure, path: Path, size: int, runs: int) -> list[str]:
    old = repeated(lambda: figure.old(origin.load(path)), runs)
    loop, new = _loop(figure, origin.load(path), runs), repeated(figure.new, LEDGER_RUNS)
    return _row(figure.name, size, old, duration(loop), new, FIGURES_AIM)


def _loop(figure: Figure, users: origin.Users, runs: int) -> float:
    return repeated(lambda: figure.old(users), runs)


def _recording(path: Path, size: int, runs: int) -> list[str]:
    request = next(records(Random(0), 1, datetime.now(UTC).replace(tzinfo=None)))
    old = _rewriting(origin.load(path), path.with_suffix(".rewritten"), request, runs)
    usage = {name: request[name] for name in ("model", "input_tokens", "output_tokens")}
    new = repeated(lambda: ledger.record_usage(user_id=HEAVIEST, **usage), LEDGER_RUNS)
    return _row("record one request", size, old, "", new, RECORDING_AIM)


def _rewriting(users: origin.Users, copy: Path, request: dict[str, Any], runs: int) -> float:
    return repeated(lambda: origin.record(users, copy, HEAVIEST, request), runs)


def _row(
    name: str, size: int, old: float, loop: str, new: float, aims: dict[int, float]
) -> list[str]:
    ratio = old / new
    aim = at_least(ratio, aims[size]) if size in aims else ""
    return [name, f"{size:,}", duration(old), loop, duration(new), f"{ratio:,.0f}x", aim]
