"""Ledgers of any size, filled past costs.ledger and then sealed by it; the same for the same seed.

Users follow Zipf's law, sessions are runs of one user's requests, tokens have a heavy tail.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from random import Random
from typing import Any

from django.db import connection, transaction

from costs import ledger
from costs.models import ROLLUPS, CostRecord, SpendingLimit
from costs.money import NANO
from costs.usage import COLUMNS
from records import copying
from records.fields import stored
from tests.benchmarks.data import DAYS, HEAVIEST, MODELS, SEED, TYPES, shares
from tests.benchmarks.place import exists, new_database, open_database

__all__ = ["ROLLUPS", "fill", "insert", "sized"]

CHUNK = 20_000
SESSION = 50  # requests
POOL = 9_973  # tokens that are drawn in turn: a prime, so that no other cycle meets it
TABLE = CostRecord._meta.db_table

Values = tuple[Any, ...]


def sized(size: int) -> str:
    """The name of a database with `size` cost records up to now, sealed; made once a run."""
    name = f"ledger{size}"
    if not exists(name):
        open_database(new_database(name))
        fill(size, datetime.now(UTC))
    open_database(name)
    return name


def fill(size: int, end: datetime) -> None:
    """Write `size` records of the DAYS before `end` in the order of their times, and seal them."""
    rows = values(size, end)
    while chunk := list(islice(rows, CHUNK)):
        insert(TABLE, COLUMNS, chunk)
    SpendingLimit.objects.create(
        user_id=HEAVIEST, daily_limit_nano=10**6 * NANO, monthly_limit_nano=10**6 * NANO
    )
    ledger.seal()
    settle()


def settle() -> None:
    """Do at once what PostgreSQL would do in time by itself, and so beside what is measured.

    SQLite does none of it, so its plans are made without a knowledge of the tables.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("VACUUM (ANALYZE)")
            cursor.execute("CHECKPOINT")


def insert(table: str, columns: Sequence[str], rows: Sequence[Values]) -> None:
    """Rows in one transaction, by the quickest way."""
    with transaction.atomic(), connection.cursor() as cursor:
        copying.insert(cursor, f"{table} ({', '.join(columns)})", rows)


def values(size: int, end: datetime) -> Iterator[Values]:
    """The values of COLUMNS of each record, in order."""
    random = Random(SEED)
    weights = shares(100_000)
    users, models = list(weights), list(MODELS)
    tokens = [min(150_000, int(random.lognormvariate(6.5, 1.2))) for _ in range(POOL)]
    step = timedelta(days=DAYS) / size
    begun: dict[str, int] = {}
    drawn = (user for _ in iter(int, 1) for user in random.choices(users, weights.values(), k=999))
    for number, user in zip(range(size), drawn, strict=False):
        at = end - timedelta(days=DAYS) + number * step
        begun[user] = count = begun.get(user, 0) + 1
        model = models[(number * 7 + count) % len(models)]
        given, told = tokens[number % POOL], tokens[number * 3 % POOL]
        rates = MODELS[model]
        yield (
            stored(at, connection),
            user,
            model,
            TYPES[count % len(TYPES)],
            f"{user}-{count // SESSION}",
            "bench",
            None,
            given,
            told,
            given * 4,
            given // 2,
            0,
            round((given * rates[0] + told * rates[1]) * 1000),
            1,
            "bench",
        )
