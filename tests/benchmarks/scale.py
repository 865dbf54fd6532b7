"""Whether reads stay as quick as the ledger grows: pages, fragments, API and limits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from statistics import median

from django.conf import settings
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client

from costs.limits import check_limits
from tests.benchmarks import ledgers
from tests.benchmarks.data import HEAVIEST
from tests.benchmarks.place import open_database
from tests.benchmarks.timing import at_most, duration, seconds, show

AIM = 1.5
ROUNDS, RUNS = 3, 5
# Address and, for a fragment, the part that is asked for.
READS = {
    "dashboard, whole": ("/", ""),
    "list": ("/?show=all", "work"),
    "footer, 24 hours": ("/", "stats"),
    "footer, 30 days": ("/?range=30d", "stats"),
    "footer, all": ("/?range=all", "stats"),
    "costs of the dashboard, 30 days": ("/?range=30d", "costs"),
    "spend page, 24 hours": ("/costs/?range=24h", ""),
    "spend page, 30 days": ("/costs/?range=30d", ""),
    "spend page, all": ("/costs/?range=all", ""),
    "spend page of one user, 30 days": (f"/costs/?range=30d&user={HEAVIEST}", ""),
    "tools page, 24 hours": ("/tools/", ""),
    "tools page, 30 days": ("/tools/?range=30d", ""),
    "API: overview, 24 hours": ("/api/metrics/overview", ""),
    "API: Claude API": ("/api/metrics/claude-api", ""),
    "API: time series": ("/api/metrics/timeseries?hours=24&interval=60", ""),
    "API: a user's usage": (f"/api/user/usage?user_id={HEAVIEST}", ""),
    "API: a user's limits": (f"/api/limits/{HEAVIEST}", ""),
}

Read = Callable[[], object]


@dataclass(frozen=True)
class Sized:
    """A ledger, by the name of its database, and a reader who is signed in to it."""

    name: str
    client: Client

    def read(self, what: str) -> Read:
        if what == "check_limits":
            return partial(check_limits, HEAVIEST)
        return partial(_answer, self.client, *READS[what])

    def times(self, what: str) -> list[float]:
        """Seconds of some runs, after one that nobody counts."""
        open_database(self.name)
        read = self.read(what)
        read()
        return [seconds(read) for _ in range(RUNS)]


def compare(sizes: Sequence[int]) -> None:
    """Print the table: a column for each size, and the largest against the smallest."""
    call_command("collectstatic", interactive=False, verbosity=0)
    settings.ALLOWED_HOSTS = ["testserver"]
    filled = [_sized(size) for size in sizes]
    show(
        "Reads as the ledger grows",
        "The answer to a signed-in reader, rendered, for the same days and users with more and more"
        " cost records in them; `check_limits` by itself, for the user with most of them. The last"
        f" 24 hours hold a four-hundredth of the records. Medians of {ROUNDS} times {RUNS} runs,"
        " with the ledgers in turn.",
        ["read", *(f"{size:,}" for size in sizes), "ratio", "aim"],
        [_row(what, filled) for what in ("check_limits", *READS)],
    )


def _sized(size: int) -> Sized:
    name, client = ledgers.sized(size), Client()
    client.force_login(User.objects.create_superuser(f"reader{size}"))
    return Sized(name, client)


def _row(what: str, filled: Sequence[Sized]) -> list[str]:
    times = _in_turn(what, filled)
    ratio = times[-1] / times[0]
    return [what, *map(duration, times), f"{ratio:.2f}x", at_most(ratio, AIM)]


def _in_turn(what: str, filled: Sequence[Sized]) -> list[float]:
    """The median time over each ledger; a busy neighbour of the machine meets all of them alike."""
    rounds = [[ledger.times(what) for ledger in filled] for _ in range(ROUNDS)]
    return [median(chain.from_iterable(times)) for times in zip(*rounds, strict=True)]


def _answer(client: Client, address: str, part: str) -> bytes:
    headers = {"HX-Request": "true", "HX-Target": part} if part else {}
    response = client.get(address, headers=headers)
    if response.status_code != 200:
        raise SystemExit(f"{address} answered {response.status_code}")
    return response.content
