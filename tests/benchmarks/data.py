"""Made usage, the same for the same seed: users by Zipf's law, tokens with a heavy tail."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from costs.usage import Usage

SEED = 2
DAYS = 400
USERS = 200
ZIPF = 1.1
HEAVIEST = "100000001"
TYPES = ("chat", "code", "summary", "search", "tool")
# Dollars per million tokens, as the earlier tracker multiplied them: input, output.
MODELS = {
    "haiku": (0.8, 4.0),
    "sonnet": (3.0, 15.0),
    "opus": (3.0, 15.0),
    "claude-3-5-haiku-20241022": (0.8, 4.0),
    "claude-sonnet-4-5": (3.0, 15.0),
    "claude-opus-4-1": (15.0, 75.0),
    "claude-haiku-4-5": (1.0, 5.0),
    "gpt-4o": (2.5, 10.0),
}
# One record as the earlier tracker wrote it, by json.dump with an indent of 2.
RECORD = """      {{
        "timestamp": "{timestamp}",
        "model": "{model}",
        "input_tokens": {input_tokens},
        "output_tokens": {output_tokens},
        "cost": {cost!r},
        "request_type": "{request_type}"
      }}"""


def shares(size: int, users: int = USERS) -> dict[str, int]:
    """How many of `size` records each user has; the first, HEAVIEST, has what rounding leaves."""
    weights = [rank**-ZIPF for rank in range(1, users + 1)]
    counts = {
        str(int(HEAVIEST) + rank): int(size * weight / sum(weights))
        for rank, weight in enumerate(weights)
    }
    counts[HEAVIEST] += size - sum(counts.values())
    return counts


def records(random: Random, count: int, end: datetime) -> Iterator[dict[str, Any]]:
    """A user's records as usage.json holds them, in order, over the DAYS before `end` (naive)."""
    span = timedelta(days=DAYS)
    for moment in sorted(end - span * random.random() for _ in range(count)):
        model = random.choice(tuple(MODELS))
        tokens = [min(150_000, int(random.lognormvariate(6.5, 1.2))) for _ in range(2)]
        yield {
            "timestamp": moment.isoformat(),
            "model": model,
            "input_tokens": tokens[0],
            "output_tokens": tokens[1],
            "cost": sum(n * rate / 1e6 for n, rate in zip(tokens, MODELS[model], strict=True)),
            "request_type": random.choice(TYPES),
        }


def usage_json(folder: Path, size: int, users: int = USERS) -> Path:
    """A usage.json of `size` records up to now; made once a run."""
    path = folder / (f"{size}.json" if users > 1 else f"{size}-one-user.json")
    if not path.exists():
        write_usage_json(path, size, datetime.now(UTC).replace(tzinfo=None), users)
    return path


def write_usage_json(path: Path, size: int, end: datetime, users: int = USERS) -> None:
    """Write a usage.json that was never capped: it holds every request it counts."""
    random = Random(SEED)
    with path.open("w") as file:
        opening = "{"
        for user_id, count in shares(size, users).items():
            file.write(f'{opening}\n  "{user_id}": {{\n    "records": [')
            total = 0.0
            for place, record in enumerate(records(random, count, end)):
                file.write(("," if place else "") + "\n" + RECORD.format_map(record))
                total += record["cost"]
            file.write("\n    ],\n" + json.dumps(_lifetime(user_id, count, total, end))[1:])
            opening = ","
        file.write("\n}\n")


def _lifetime(user_id: str, count: int, total: float, end: datetime) -> dict[str, Any]:
    return {
        "user_id": int(user_id),
        "total_requests": count,
        "total_cost": total,
        "daily_cost": 0.0,
        "monthly_cost": total,
        "weekly_cost": total,
        "limits": {"daily": 1e6, "monthly": 1e6},  # no warning: it would be a write
        "last_reset": end.isoformat(),
        "session_cost": 0.0,
        "session_start": None,
        "last_warning": None,
    }


def usages(count: int, start: datetime, span: timedelta, seed: int = SEED) -> list[Usage]:
    """Requests for costs.ledger, in order within `span` from `start`, priced by the ledger."""
    random = Random(seed)
    counts = shares(100_000)
    users = random.choices(list(counts), list(counts.values()), k=count)
    times = sorted(start + span * random.random() for _ in range(count))
    return [
        Usage(
            user_id=user_id,
            timestamp=timestamp,
            **{name: record[name] for name in ("model", "input_tokens", "output_tokens")},
            request_type=record["request_type"],
        )
        for user_id, timestamp, record in zip(
            users, times, records(random, count, start.replace(tzinfo=None)), strict=True
        )
    ]
