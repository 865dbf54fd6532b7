"""A user's figures under the names that programs written for the origin's tracker read."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils import timezone

from costs import lifetime
from costs.instants import EPOCH, FOREVER, local_day, local_week
from costs.limits import meters
from costs.models import SpendingLimit
from costs.money import from_nano
from costs.windows import spend


def usage_stats(user_id: str) -> dict[str, Any]:
    """The user's lifetime, day, week, month and session; costs and limits as Decimal dollars.

    Limits and percentages are None where unlimited. The session is that of the user's newest
    record, as far back as raw records are kept (`manage.py prune_costs`); of what was pruned
    before models were kept by user, the model is "". Creates nothing for an unknown user.
    """
    now, zone = timezone.now(), timezone.get_default_timezone()
    limit = SpendingLimit.objects.filter(user_id=user_id).first()
    daily, monthly = meters(user_id, limit, now)
    ever = spend(EPOCH, FOREVER, user_id=user_id)
    day_start, _ = local_day(now, zone)
    return {
        "user_id": user_id,
        "total_requests": ever.requests,
        "total_cost": ever.cost,
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
    models = lifetime.by_model([user_id]).get(user_id, {})
    return {
        model: {
            "requests": totals.requests,
            "cost": totals.cost,
            "input_tokens": totals.input_tokens,
            "output_tokens": totals.output_tokens,
        }
        for model, totals in models.items()
    }


def _session(user_id: str) -> dict[str, Any]:
    session = lifetime.last_sessions([user_id]).get(user_id)
    return {
        "session_cost": from_nano(session.cost_nano if session else 0),
        "session_duration": session.duration if session else None,
    }
