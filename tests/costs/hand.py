"""Another process at the ledger: `python -m tests.costs.hand DEED SEED COUNT`."""

import random
import sys
from datetime import timedelta
from decimal import Decimal

import django
from django.utils import timezone

django.setup()

from costs import ledger  # noqa: E402  (needs the apps)
from costs.usage import Usage  # noqa: E402
from tests.costs.brute import at  # noqa: E402


def usage(chance: random.Random) -> Usage:
    """A request of one nano-dollar, dated now or late."""
    late = at(chance.uniform(0, 48))
    return Usage(
        user_id=f"user-{chance.randrange(3)}",
        model=chance.choice(["haiku", "sonnet"]),
        input_tokens=1,
        output_tokens=1,
        cost=Decimal("1e-9"),
        timestamp=chance.choice([None, late]),
        source_id=chance.choice([None, f"{chance.random()}"]),
    )


def write(seed: int, count: int) -> None:
    """Record `count` requests, by ones and by batches of ten."""
    chance = random.Random(seed)
    while count > 0:
        batch = [usage(chance) for _ in range(min(count, chance.choice([1, 10])))]
        ledger.record_many(batch)
        count -= len(batch)


def resend(seed: int, count: int) -> None:
    """Send the same `count` batches of 20 as every other hand does, each in an order of its own;
    say how many records this one booked."""
    chance = random.Random(seed)
    booked = 0
    for batch in range(count):
        usages = [
            Usage(
                user_id="ann",
                model="haiku",
                input_tokens=1,
                output_tokens=1,
                cost=Decimal(1),
                timestamp=at(number * 2.5),
                source_id=f"{batch}-{number}",
            )
            for number in range(20)
        ]
        chance.shuffle(usages)
        booked += sum(receipt.created for receipt in ledger.record_many(usages))
    print(booked)  # noqa: T201


def seal(seed: int, count: int) -> None:
    """Seal step by step over the two days, and then up to the present."""
    for step in range(count):
        ledger.seal(at(48 * step / count))
    ledger.seal(timezone.now() + timedelta(seconds=1))


def prune(seed: int, count: int) -> None:
    """Prune step by step through the first day."""
    for step in range(count):
        for _ in ledger.prune(at(24 * step / count), batch=50):
            pass


if __name__ == "__main__":
    _, task, seed, count = sys.argv
    {"write": write, "resend": resend, "seal": seal, "prune": prune}[task](int(seed), int(count))
