"""Eight clients at once whose transactions stay open for a while, as those of bots that record a
request together with work of their own. Only on PostgreSQL: SQLite has one writer at a time."""

from __future__ import annotations

from time import sleep

from tests.benchmarks import ledgers, place
from tests.benchmarks.others import Told, beside
from tests.benchmarks.timing import show

CLIENTS, SECONDS, HELD = 8, 5, 0.005
AIM = 0.9
WAYS = {"bare INSERT": "write_bare", "ledger.record_usage": "write"}


def compare(size: int) -> None:
    if not place.is_postgres():
        return
    name = ledgers.sized(min(size, 100_000))
    told = {way: _run(name, deed) for way, deed in WAYS.items()}
    (bare, _), (rate, refused) = told.values()
    met = "met" if rate >= AIM * bare and not refused else "missed"
    rows = [[way, f"{rate:,.0f}", str(lost), ""] for way, (rate, lost) in told.items()]
    rows[-1][-1] = f"{rate / bare:.0%}; ≥ {AIM:.0%} and none refused: {met}"
    show(
        "Transactions that are held open",
        f"{CLIENTS} processes insert one record a transaction, which stays open for"
        f" {HELD * 1e3:g} ms, for {SECONDS} s.",
        ["way", "transactions/s", "refused", "of bare"],
        rows,
    )


def _run(name: str, deed: str) -> tuple[float, int]:
    """Transactions a second of all clients together, and how many the database refused."""
    held = place.new_database(f"held-{deed}", like=name)
    told: list[Told] = beside(held, [[deed, str(HELD)]] * CLIENTS, lambda: sleep(SECONDS))
    return sum(len(one.times) for one in told) / SECONDS, sum(one.refused for one in told)
