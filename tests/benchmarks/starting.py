"""How soon the server answers, and what memory it takes, beside a ledger of any size."""

from __future__ import annotations

from time import perf_counter, sleep

from tests.benchmarks import ledgers
from tests.benchmarks.clients import request
from tests.benchmarks.serving import serving
from tests.benchmarks.timing import at_most, duration, show

READY, MEMORY = 2, 120  # seconds; MB
RUNS, REST = 3, 5


def compare(size: int) -> None:
    name = ledgers.sized(size)
    runs = sorted(_started(name) for _ in range(RUNS))
    seconds, idle, worked = runs[RUNS // 2]
    show(
        "Start and memory of the server",
        f"`manage.py serve` on {size:,} cost records with nothing to migrate, until it answers its"
        f" first request; its memory (RSS) after {REST} s at rest, and after 50 answers of"
        f" /api/metrics/overview. The middle one of {RUNS} starts.",
        ["figure", "measured", "aim"],
        [
            ["first answer", duration(seconds), at_most(seconds, READY, " s")],
            ["memory at rest", f"{idle:.0f} MB", at_most(idle, MEMORY, " MB")],
            ["memory after work", f"{worked:.0f} MB", "–"],
        ],
    )


def _started(name: str) -> tuple[float, float, float]:
    began = perf_counter()
    with serving(name) as (server, process):
        connection = server.connect()
        request(connection, server, "/health")
        seconds = perf_counter() - began
        connection.close()
        sleep(REST)
        idle, connection = process.status("VmRSS") / 1024, server.connect()
        for _ in range(50):
            request(connection, server, "/api/metrics/overview")
        connection.close()
        return seconds, idle, process.status("VmRSS") / 1024
