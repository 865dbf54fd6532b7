"""What requests to models cost, over all and by user, as several routes tell it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any

from django.utils import timezone
from msgspec import Meta, Struct

from costs import lifetime, windows
from costs.api.usage import UsageOfModel, UserUsage
from costs.instants import EPOCH, FOREVER, local_day, local_month, local_week
from costs.limits import Meter
from costs.models import SpendingLimit
from costs.money import from_nano
from costs.windows import Spend, Totals
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


def model_cost(totals: Totals) -> UsageOfModel:
    return UsageOfModel(totals.requests, totals.cost, totals.input_tokens, totals.output_tokens)


def by_user(now: datetime) -> dict[str, UserUsage]:
    """What costs.statistics.usage_stats tells of a user, of many in as few queries as of one."""
    zone = timezone.get_default_timezone()
    ever = windows.by_user(EPOCH, FOREVER)
    order = sorted(ever, key=lambda user: (-ever[user].cost_nano, user))[:DEAREST]
    spans = {
        "day": local_day(now, zone),
        "week": local_week(now, zone),
        "month": local_month(now, zone),
        "recent": (now - timedelta(hours=24), now),
    }
    spent = {name: windows.by_user(*span) for name, span in spans.items()}
    limits = {limit.user_id: limit for limit in SpendingLimit.objects.filter(user_id__in=order)}
    models, sessions = lifetime.by_model(order), lifetime.last_sessions(order)
    reset = spans["day"][0].astimezone(zone)
    return {
        user: UserUsage(
            user_id=user,
            total_requests=ever[user].requests,
            total_cost=ever[user].cost,
            weekly_cost=_of(spent["week"], user).cost,
            **_limited(limits.get(user), _of(spent["day"], user), _of(spent["month"], user), now),
            session_cost=from_nano(sessions[user].cost_nano if user in sessions else 0),
            session_duration=sessions[user].duration if user in sessions else None,
            model_breakdown={name: model_cost(sums) for name, sums in models.get(user, {}).items()},
            recent_24h=_of(spent["recent"], user).requests,
            last_reset=reset,
        )
        for user in order
    }


def _of(sums: Mapping[str, Totals], user: str) -> Spend:
    return sums.get(user, Totals())


def _limited(
    limit: SpendingLimit | None, day: Spend, month: Spend, now: datetime
) -> dict[str, Any]:
    limit = limit or SpendingLimit()
    daily = Meter("Daily", limit.daily_limit_nano, day.cost_nano, now)
    monthly = Meter("Monthly", limit.monthly_limit_nano, month.cost_nano, now)
    told: dict[str, Any] = {}
    for name, meter in (("daily", daily), ("monthly", monthly)):
        told[f"{name}_cost"] = from_nano(meter.spent_nano)
        told[f"{name}_limit"] = None if meter.limit_nano is None else from_nano(meter.limit_nano)
        told[f"{name}_percentage"] = meter.percentage
    return told
