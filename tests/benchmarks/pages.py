"""Pages and fragments over many tasks, sessions and tool calls, as a signed-in reader gets them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from random import Random

from django.conf import settings
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection
from django.test import Client

from costs import ledger
from costs.usage import Usage
from tests.benchmarks import agents, ledgers
from tests.benchmarks.timing import at_most, duration, repeated, show

RUNS = 21
AIM = 0.1  # seconds
COSTS = 50_000
# Address and, for a fragment, the part that is asked for.
PAGES = {
    "dashboard, whole": ("/", ""),
    "list, 24 hours": ("/", "work"),
    "list, all, first page": ("/?range=all&show=all", "work"),
    "list, all, page 500": ("/?range=all&show=all&page=500", "work"),
    "list, search over all": ("/?range=all&show=all&q=part+777", "work"),
    "footer, 30 days": ("/?range=30d", "stats"),
    "footer, all": ("/?range=all", "stats"),
    "tools, 24 hours": ("/", "tools"),
    "tools, 7 days": ("/?range=7d", "tools"),
    "tools, all": ("/?range=all", "tools"),
    "task": ("/tasks/task-1/", "detail"),
    "session of 10,000 calls": ("/sessions/session-0/", "detail"),
    "its last page, failed only": ("/sessions/session-0/?failed=1&calls=5", "timeline"),
    "errors, 24 hours": ("/errors/", "detail"),
    "errors, all": ("/errors/?range=all", "detail"),
}


def compare() -> None:
    """Print the table."""
    agents.database()
    end = datetime.now(UTC)
    ledger.record_many(list(usages(end)))
    ledger.seal()
    ledgers.settle()
    call_command("collectstatic", interactive=False, verbosity=0)
    settings.ALLOWED_HOSTS = ["testserver"]
    client = Client()
    client.force_login(User.objects.create_superuser("reader"))
    show(
        "Pages",
        f"The answer to a signed-in reader, rendered, over {agents.TASKS:,} tasks,"
        f" {agents.SESSIONS:,} sessions, {agents.CALLS:,} tool calls and {COSTS:,} cost records,"
        " each on a new database connection as the server opens it. The earlier dashboard needed"
        f" 0.4 to 3.3 s for its lists. Medians of {RUNS} runs.",
        ["page", "time", "size", "aim"],
        [_measured(client, name, *place) for name, place in PAGES.items()],
    )


def _measured(client: Client, name: str, address: str, part: str) -> list[str]:
    headers = {"HX-Request": "true", "HX-Target": part} if part else {}
    answer = partial(_answer, client, address, headers)
    size, time = len(answer()), repeated(answer, RUNS)
    return [name, duration(time), f"{size / 1024:.0f} kB", at_most(time * 1e3, AIM * 1e3, " ms")]


def _answer(client: Client, address: str, headers: dict[str, str]) -> bytes:
    connection.close()
    response = client.get(address, headers=headers)
    if response.status_code != 200:
        raise SystemExit(f"{address} answered {response.status_code}")
    return response.content


def usages(end: datetime) -> list[Usage]:
    random = Random(agents.SEED)
    return [
        Usage(
            user_id=f"user-{number % 40}",
            model="claude-sonnet-4-5",
            input_tokens=random.randrange(9_000),
            output_tokens=random.randrange(900),
            session_key=f"session-{number % agents.SESSIONS}",
            timestamp=end - timedelta(days=agents.DAYS * random.random()),
        )
        for number in range(COSTS)
    ]
