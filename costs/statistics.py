"""A user's figures under the names that programs written for the origin's tracker read."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db.models import Sum
from django.utils import timezone

from costs.instants import EPOCH, FOREVER, local_day, local_week
from costs.limits import meters
from costs.models import CostRecord, SpendingLimit
from costs.money import from_nano
from costs.windows import spend


def usage_stats(user_id: str) -> dict[str, Any]:
    """The user's lifetime, day, week, month and session; costs and limits as Decimal dollars.

    Limits and percentages are None where unlimited. `model_breakdown` and the session read the
    raw records, and so reach back as far as these are kept (`manage.py prune_costs`). The
    session is that of the user's newest record. Creates nothing for an unknown user.
    """
    now, zone = timezone.now(), timezone.get_default_timezone()
    limit = SpendingLimit.objects.filter(user_id=user_id).first()
    daily, monthly = meters(user_id, limit, now)
    lifetime = spend(EPOCH, FOREVER, user_id=user_id)
    day_start, _ = local_day(now, zone)
    return {
        "user_id": user_id,
        "total_requests": lifetime.requests,
        "total_cost": lifetime.cost,
        "daily_cost": from_nano(daily.spent_nano),
        "monthly_cost": from_nano(monthly.spent_nano),
        "weekly_cost": spend(*local_week(now, zone), user_id=user_id).cost,
        **_session(user_id),
        "daily_limit": _dollars(daily.limit_nano),
        "monthly_limit": _dollars(monthly.limit_nano),
        "daily_percentage": daily.percentage,
        "monthly_percentage": monthly.percentage,
        "model_breakdown": _model_breakdown(user_id),
        "recent_24h": spend(now - timedelta(hours=24), now, user_id=user_id).requests,
        "last_reset": day_start.astimezone(zone).isoformat(),
    }


def _dollars(nano: int | None) -> Any:
    return None if nano is None else from_nano(nano)


def _model_breakdown(user_id: str) -> dict[str, dict[str, Any]]:
    groups = (
        CostRecord.objects.of_user(user_id)
        .values("model")
        .annotate(
            n=Sum("requests"), nano=Sum("cost_nano"), i=Sum("input_tokens"), o=Sum("output_tokens")
        )
    )
    return {
        group["model"]: {
            "requests": group["n"],
            "cost": from_nano(group["nano"]),
            "input_tokens": group["i"],
            "output_tokens": group["o"],
        }
        for group in groups.order_by("model")
    }


def _session(user_id: str) -> dict[str, Any]:
    newest = CostRecord.objects.of_user(user_id).order_by("-timestamp").first()
    if newest is None or not newest.session_key:
        return {"session_cost": from_nano(0), "session_duration": None}
    session = CostRecord.objects.of_session(newest.session_key).of_user(user_id)
    oldest = session.order_by("timestamp").first() or newest
    return {
        "session_cost": from_nano(session.aggregate(nano=Sum("cost_nano"))["nano"]),
        "session_duration": _duration(oldest.timestamp, newest.timestamp),
    }


def _duration(start: datetime, end: datetime) -> str:
    minutes = (end - start).total_seconds() / 60
    return f"{minutes:.0f}m" if minutes < 60 else f"{minutes / 60:.1f}h"
