"""What requests to models cost, over all and by user, as several routes tell it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any

from django.utils import timezone
from msgspec import Meta, Struct

from costs import lifetime, windows
from costs.api.usage import UsageOfModel, UserUsage
from costs.instants import EPOCH, FOREVER, local_day, local_week
from costs.limits import Meter, limits_by_user, meters_of
from costs.money import from_nano
from costs.totals import Spend, Uncached
from monitor.api.window import Span
from records.api import Dollars

DEAREST = 100


class Spending(Struct):
    """`total_…` and `model_breakdown` cover all records ever made, `recent_…` the window."""

    total_cost: Dollars
    total_requests: int
    recent_hours: int
    recent_requests: int
    recent_cost: Dollars
    model_breakdown: dict[str, UsageOfModel]


class SpendingByUser(Spending):
    by_user: Annotated[
        dict[str, UserUsage], Meta(description="The 100 users of the greatest total_cost.")
    ]


def spending(span: Span, hours: int) -> Spending:
    return Spending(**_spending(span, hours))


def spending_by_user(span: Span, hours: int, now: datetime) -> SpendingByUser:
    return SpendingByUser(**_spending(span, hours), by_user=by_user(now))


def _spending(span: Span, hours: int) -> dict[str, Any]:
    models, recent = windows.by_model(EPOCH, FOREVER), windows.spend(*span)
    return {
        "total_cost": from_nano(sum(totals.cost_nano for totals in models.values())),
        "total_requests": sum(totals.requests for totals in models.values()),
        "recent_hours": hours,
        "recent_requests": recent.requests,
        "recent_cost": recent.cost,
        "model_breakdown": {name: model_cost(totals) for name, totals in sorted(models.items())},
    }


def model_cost(totals: Uncached) -> UsageOfModel:
    return UsageOfModel(totals.requests, totals.cost, totals.input_tokens, totals.output_tokens)


def by_user(now: datetime) -> dict[str, UserUsage]:
    """What costs.statistics.usage_stats tells of a user, of many in as few queries as of one."""
    zone = timezone.get_default_timezone()
    models = lifetime.by_model()
    ever = {user: _together(sums.values()) for user, sums in models.items()}
    order = sorted(ever, key=lambda user: (-ever[user].cost_nano, user))[:DEAREST]
    spans = {
        "week": local_week(now, zone),
        "recent": (now - timedelta(hours=24), now),
    }
    spent = {name: windows.spend_of(order, *span) for name, span in spans.items()}
    meters, sessions = meters_of(order, limits_by_user(), now), lifetime.last_sessions(order)
    reset = local_day(now, zone)[0].astimezone(zone)
    return {
        user: UserUsage(
            user_id=user,
            total_requests=ever[user].requests,
            total_cost=ever[user].cost,
            weekly_cost=_of(spent["week"], user).cost,
            **_metered("daily", meters[user][0]),
            **_metered("monthly", meters[user][1]),
            session_cost=from_nano(sessions[user].cost_nano if user in sessions else 0),
            session_duration=sessions[user].duration if user in sessions else None,
            model_breakdown={name: model_cost(sums) for name, sums in models[user].items()},
            recent_24h=_of(spent["recent"], user).requests,
            last_reset=reset,
        )
        for user in order
    }


def _together(sums: Collection[Spend]) -> Spend:
    return Spend(sum(each.requests for each in sums), sum(each.cost_nano for each in sums))


def _of(sums: Mapping[str, Spend], user: str) -> Spend:
    return sums.get(user, Spend())


def _metered(name: str, meter: Meter) -> dict[str, Any]:
    return {
        f"{name}_cost": from_nano(meter.spent_nano),
        f"{name}_limit": None if meter.limit_nano is None else from_nano(meter.limit_nano),
        f"{name}_percentage": meter.percentage,
    }
