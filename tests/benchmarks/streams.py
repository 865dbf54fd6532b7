"""Five hundred open streams and one writer."""

from __future__ import annotations

from statistics import median, quantiles
from time import perf_counter, sleep

from tests.benchmarks import agents
from tests.benchmarks.api import usage
from tests.benchmarks.clients import Listeners, Server, request
from tests.benchmarks.serving import Process, serving
from tests.benchmarks.timing import at_most, duration, show

STREAMS, COMMITS, PAGES = 500, 20, 40
AIM = 1.5  # seconds from a commit to the last of all streams, at the 95th percentile
PAGE = "/api/metrics/cli-sessions"


def compare() -> None:
    with serving(agents.database()) as (server, process):
        first = Listeners(
            server, 50
        )  # all threads of the pool and the poller are there from now on
        first.hear()
        first.close()
        warm = Listeners(server, 1)
        warm.hear()
        before, page = figures(process), page_times(server)
        listeners = Listeners(server, STREAMS)
        listeners.hear()
        listeners.quiet()
        after, page_beside = figures(process), page_times(server)
        delays = [delay(server, listeners, number) for number in range(COMMITS)]
        listeners.close()
        warm.close()
    p95 = quantiles(delays, n=20)[-1]
    kilobytes = (after[0] - before[0]) / STREAMS
    show(
        "Open streams",
        f"{STREAMS} streams that hear of each commit, {COMMITS} commits more than a second apart."
        " The delay runs from the moment a record is sent to the last stream that hears of it.",
        ["figure", "no stream", f"{STREAMS} streams", "aim"],
        [
            ["memory", f"{before[0] / 1024:.0f} MB", f"{after[0] / 1024:.0f} MB", "–"],
            ["memory a stream", "–", f"{kilobytes:.0f} kB", "–"],
            ["threads", str(before[1]), str(after[1]), "no growth"],
            ["database connections", str(before[2]), str(after[2]), "no growth"],
            ["a page beside it, p50", duration(page), duration(page_beside), "–"],
            ["delay, p50", "–", duration(median(delays)), "–"],
            ["delay, p95", "–", duration(p95), at_most(p95, AIM, " s")],
        ],
    )


def figures(process: Process) -> tuple[int, int, int]:
    """Memory in kB, threads, and database connections."""
    return process.status("VmRSS"), process.status("Threads"), process.connections()


def page_times(server: Server) -> float:
    connection, times = server.connect(), []
    for _ in range(PAGES):
        began = perf_counter()
        request(connection, server, PAGE)
        times.append(perf_counter() - began)
    connection.close()
    return median(times)


def delay(server: Server, listeners: Listeners, number: int) -> float:
    sleep(1.2)  # a second commit within a second would be told together with the first
    connection = server.connect()
    began = perf_counter()
    request(connection, server, "/api/usage", usage(10**9 + number))
    last = listeners.hear()
    connection.close()
    return last - began
