"""The old way: the whole usage.json is parsed, looped over, and rewritten for every request.

It is given every advantage: times are compared as text, without a date being parsed; costs are
added up as floats; a limit check loops over the records of one user only.
"""

from __future__ import annotations

import json
from collections import defaultdict
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from costs.money import to_nano

Users = dict[str, dict[str, Any]]


def load(path: Path) -> Users:
    with path.open() as file:
        users: Users = json.load(file)
    return users


def exact(users: Users) -> Users:
    """The same users with money in whole nano-dollars, so that the loops below sum exactly."""
    for user in users.values():
        for name, limit in user["limits"].items():
            user["limits"][name] = to_nano(Decimal(repr(limit)))
        for record in user["records"]:
            record["cost"] = to_nano(Decimal(repr(record["cost"])))
    return users


def spend(users: Users, start: datetime, end: datetime) -> tuple[int, float]:
    """Requests and cost of [start, end), naive times."""
    first, last = start.isoformat(), end.isoformat()
    requests, cost = 0, 0
    for user in users.values():
        for record in user["records"]:
            if first <= record["timestamp"] < last:
                requests += 1
                cost += record["cost"]
    return requests, cost


def by_model(users: Users, start: datetime, end: datetime) -> dict[str, tuple[int, float]]:
    """Requests and cost of [start, end) by model, naive times."""
    first, last = start.isoformat(), end.isoformat()
    requests: dict[str, int] = defaultdict(int)
    cost: dict[str, float] = defaultdict(int)
    for user in users.values():
        for record in user["records"]:
            if first <= record["timestamp"] < last:
                requests[record["model"]] += 1
                cost[record["model"]] += record["cost"]
    return {model: (requests[model], cost[model]) for model in requests}


def check_limits(users: Users, user_id: str, now: datetime) -> tuple[bool, float, float]:
    """Whether the user may go on, and the cost of the day and of the month of `now` (naive).

    The file's own counters would be quicker, but were never reset: they answer wrongly.
    """
    user = users[user_id]
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    first = midnight.replace(day=1)
    tomorrow, next_month = midnight + timedelta(days=1), (first + timedelta(days=31)).replace(day=1)
    daily = spend({user_id: user}, midnight, tomorrow)[1]
    monthly = spend({user_id: user}, first, next_month)[1]
    limits = user["limits"]
    return daily < limits["daily"] and monthly < limits["monthly"], daily, monthly


def record(users: Users, path: Path, user_id: str, request: dict[str, Any]) -> None:
    """Append one request to the parsed file and write all of it again."""
    user = users[user_id]
    user["records"].append(request)
    user["total_requests"] += 1
    user["total_cost"] += request["cost"]
    with path.open("w") as file:
        json.dump(users, file, indent=2)
