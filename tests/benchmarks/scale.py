"""Whether reads stay as quick as the ledger grows: pages, fragments, API and limits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import zip_longest

from django.conf import settings
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection
from django.test import Client

from costs.limits import check_limits
from tests.benchmarks import ledgers
from tests.benchmarks.data import HEAVIEST
from tests.benchmarks.timing import at_most, duration, repeated, show

AIM = 1.5
RUNS = 15
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


def compare(sizes: Sequence[int]) -> None:
    """Print the table: a column for each size, and the largest against the smallest."""
    call_command("collectstatic", interactive=False, verbosity=0)
    settings.ALLOWED_HOSTS = ["testserver"]
    columns = [_measured(size) for size in sizes]
    rows = [
        [name, *map(duration, times), f"{times[-1] / times[0]:.2f}x", _aim(times)]
        for name, *times in zip_longest(_names(), *columns)
    ]
    show(
        "Reads as the ledger grows",
        "The answer to a signed-in reader, rendered, for the same days and users with more and more"
        " cost records in them; `check_limits` by itself, for the user with most of them. The last"
        f" 24 hours hold a four-hundredth of the records. Medians of {RUNS} runs.",
        ["read", *(f"{size:,}" for size in sizes), "ratio", "aim"],
        rows,
    )


def _names() -> list[str]:
    return ["check_limits", *READS]


def _aim(times: Sequence[float]) -> str:
    return at_most(times[-1] / times[0], AIM)


def _measured(size: int) -> list[float]:
    """The median time of each read over a ledger of `size` records, in the order of the names."""
    ledgers.sized(size)
    client = Client()
    client.force_login(User.objects.create_superuser(f"reader{size}"))
    reads: list[Read] = [partial(check_limits, HEAVIEST)]
    reads += [partial(_answer, client, *place) for place in READS.values()]
    return [_median(read) for read in reads]


def _median(read: Read) -> float:
    read()
    return repeated(read, RUNS)


def _answer(client: Client, address: str, part: str) -> bytes:
    headers = {"HX-Request": "true", "HX-Target": part} if part else {}
    response = client.get(address, headers=headers)
    if response.status_code != 200:
        raise SystemExit(f"{address} answered {response.status_code}")
    return response.content


def forget() -> None:
    """Close what is open, so that a database may be copied."""
    connection.close()
