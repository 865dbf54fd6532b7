"""A usage.json as the bot of old would have written it."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

START = datetime(2025, 10, 16, 15, 15, 0, 123456)


def record(number: int = 0, **fields: Any) -> dict[str, Any]:
    plain = {
        "timestamp": (START + number * timedelta(minutes=17)).isoformat(),
        "model": "haiku",
        "input_tokens": 1000 + number,
        "output_tokens": 100,
        "cost": 0.0012,
        "request_type": "chat",
    }
    return plain | fields


def user(records: list[dict[str, Any]] | None = None, **fields: Any) -> dict[str, Any]:
    kept = [record(number) for number in range(3)] if records is None else records
    plain = {
        "total_requests": len(kept),
        "total_cost": sum(one["cost"] for one in kept),
        "records": kept,
        "limits": {"daily": 100.0, "monthly": 1000.0},
        "last_reset": "2025-10-16T15:15:00.123456",
        "last_warning": None,
    }
    return plain | fields


class BotFile:
    """One bot's file: grows by add(), keeps the newest `kept` records, is saved by save()."""

    def __init__(self, path: Path, kept: int = 1000) -> None:
        self.path, self.kept = path, kept
        self.users: dict[str, list[dict[str, Any]]] = {}

    def add(self, user_id: str, count: int, **fields: Any) -> BotFile:
        mine = self.users.setdefault(user_id, [])
        mine.extend(record(len(mine), **fields) for _ in range(count))
        return self

    def save(self) -> Path:
        content = {
            user_id: user(
                mine[-self.kept :],
                total_requests=len(mine),
                total_cost=sum(one["cost"] for one in mine),
            )
            for user_id, mine in self.users.items()
        }
        self.path.write_text(json.dumps(content, indent=2))
        return self.path
