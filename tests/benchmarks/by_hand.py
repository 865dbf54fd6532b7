"""Figures of the ledger beside SQL written by hand over the plain table of the same records."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection

from costs.instants import local_day, local_month
from costs.limits import check_limits
from costs.totals import Spend
from costs.windows import by_model, by_user, spend
from tests.benchmarks import plain
from tests.benchmarks.data import HEAVIEST
from tests.benchmarks.timing import duration, interleaved, show

RUNS = 9
DAY = timedelta(days=1)

SUMS = f"SELECT {{keys}} count(*), sum(cost) FROM {plain.TABLE}"
WITHIN = "timestamp >= %s AND timestamp < %s"
Sums = dict[str, tuple[int, float]]
"""Requests and dollars by key; by a blank one, where there is none."""


@dataclass(frozen=True)
class Figure:
    name: str
    hand: Callable[[], Sums]
    ledger: Callable[[], Sums]


def compare(sizes: Sequence[int]) -> None:
    rows = []
    for size in sizes:
        plain.beside(size)
        rows += [_compared(figure, size) for figure in _figures(datetime.now(UTC))]
    show(
        "Hand-written SQL against the ledger",
        "The same records in one database: by hand, one statement over a plain table with the time"
        " as text, the cost as a float, and indexes on time, user and time, model, and session;"
        " and by the ledger, with all that it asks and proves. Requests were equal, and dollars to"
        f" what floats can tell. Medians of {RUNS} runs in turn.",
        ["figure", "records", "by hand", "ledger", "ratio"],
        rows,
    )


def _figures(now: datetime) -> list[Figure]:
    day, month = (cut(now, UTC) for cut in (local_day, local_month))
    return [
        Figure(
            "24 h cost and requests",
            lambda: _asked("", WITHIN, _texts(now - DAY, now)),
            lambda: _told({"": spend(now - DAY, now)}),
        ),
        Figure(
            "30 days by model",
            lambda: _asked("model", WITHIN, _texts(now - 30 * DAY, now)),
            lambda: _told(by_model(now - 30 * DAY, now)),
        ),
        Figure(
            "30 days by user",
            lambda: _asked("user_id", WITHIN, _texts(now - 30 * DAY, now)),
            lambda: _told(by_user(now - 30 * DAY, now)),
        ),
        Figure(
            "all time by model",
            lambda: _asked("model", "1 = 1", []),
            lambda: _told(by_model(datetime(1970, 1, 1, tzinfo=UTC), now)),
        ),
        Figure("check_limits, heaviest user", lambda: _spent(day, month), _limits),
    ]


def _texts(*instants: datetime) -> list[str]:
    return [f"{instant:%Y-%m-%dT%H:%M:%S.%f}+00:00" for instant in instants]


def _asked(key: str, condition: str, values: Sequence[Any]) -> Sums:
    keys, group = (f"{key},", f" GROUP BY {key}") if key else ("'',", "")
    with connection.cursor() as cursor:
        cursor.execute(f"{SUMS.format(keys=keys)} WHERE {condition}{group}", values)
        return {name: (count, cost or 0) for name, count, cost in cursor.fetchall()}


def _told(sums: dict[str, Spend]) -> Sums:
    return {name: (each.requests, each.cost_nano / 1e9) for name, each in sums.items()}


def _spent(*spans: tuple[datetime, datetime]) -> Sums:
    """What the user with most records has spent in each of the spans."""
    condition = f"user_id = %s AND {WITHIN}"
    spent = [_asked("", condition, [HEAVIEST, *_texts(*span)])[""] for span in spans]
    return {str(place): (0, cost) for place, (_, cost) in enumerate(spent)}


def _limits() -> Sums:
    verdict = check_limits(HEAVIEST)
    spent = (verdict.daily.spent_nano, verdict.monthly.spent_nano)
    return {str(place): (0, nano / 1e9) for place, nano in enumerate(spent)}


def _compared(figure: Figure, size: int) -> list[str]:
    _prove_alike(figure)
    hand, ledger = interleaved([figure.hand, figure.ledger], RUNS)
    ratio = f"{hand / ledger:,.1f}x"
    return [figure.name, f"{size:,}", duration(hand), duration(ledger), ratio]


def _prove_alike(figure: Figure) -> None:
    hand, ledger = figure.hand(), figure.ledger()
    alike = hand.keys() == ledger.keys() and all(
        hand[key][0] == requests and abs(hand[key][1] - cost) < 1e-6 * max(1, cost)
        for key, (requests, cost) in ledger.items()
    )
    if not alike:
        raise SystemExit(f"{figure.name}: by hand {hand}, by the ledger {ledger}")
