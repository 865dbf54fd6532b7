"""What a user may spend, has spent, and when that is counted anew.

Days, weeks and months are calendar windows of settings.TIME_ZONE over the ledger, so nothing is
ever reset, and asking about an unknown user creates nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import Any, Final

from django.utils import timezone

from costs.instants import local_day, local_month
from costs.models import SpendingLimit
from costs.models.limit import MAX_NAME
from costs.models.record import MAX_USER_ID
from costs.money import from_nano, to_nano
from costs.usage import storable
from costs.windows import Span, Spend, spend, spend_of
from records.faults import Invalid

WARN_AT = Decimal("0.8")


@dataclass(frozen=True, slots=True)
class Meter:
    """One limit of a user beside what counts against it; amounts in nano-dollars."""

    name: str
    limit_nano: int | None
    spent_nano: int
    resets_at: datetime

    @property
    def reached(self) -> bool:
        """Whether the next call is refused: at the limit, not beyond it."""
        return self.limit_nano is not None and self.spent_nano >= self.limit_nano

    @property
    def near(self) -> bool:
        """Whether 80 % of the limit is spent."""
        return self.limit_nano is not None and self.spent_nano >= self.limit_nano * WARN_AT

    @property
    def percentage(self) -> float | None:
        """The share spent, 100 at a limit of 0; None without a limit."""
        if self.limit_nano is None:
            return None
        return 100 * self.spent_nano / self.limit_nano if self.limit_nano else 100.0

    @property
    def remaining_nano(self) -> int | None:
        """What may be spent yet; None without a limit."""
        return None if self.limit_nano is None else max(self.limit_nano - self.spent_nano, 0)


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a call is allowed; `reason` and `warning` are sentences for the user, or empty."""

    allowed: bool
    reason: str
    warning: str
    daily: Meter
    monthly: Meter


class Keep(Enum):
    """The type of KEEP: leave the value as it is."""

    KEEP = "keep"


KEEP: Final = Keep.KEEP
Amount = Decimal | int | Keep | None


def check_limits(user_id: str) -> Verdict:
    """Whether `user_id` may spend more now: blocked at ≥, the day tested before the month.

    A warning comes from 80 % on, at most once an hour a user, from whichever process asks first.
    """
    now = timezone.now()
    limit = SpendingLimit.objects.filter(user_id=user_id).first()
    daily, monthly = meters(user_id, limit, now)
    reached = next((meter for meter in (daily, monthly) if meter.reached), None)
    warning = "" if reached or limit is None else _warning(limit, daily, monthly, now)
    return Verdict(reached is None, _reason(reached), warning, daily, monthly)


def meters(user_id: str, limit: SpendingLimit | None, now: datetime) -> tuple[Meter, Meter]:
    """The day's and the month's meter of a user at `now`; without limits where it has none."""
    day, month = _calendar(now)
    today, this_month = (spend(*window, user_id=user_id) for window in (day, month))
    return _both(limit, day, today, month, this_month)


def meters_of(
    users: Iterable[str], limits: Mapping[str, SpendingLimit], now: datetime
) -> dict[str, tuple[Meter, Meter]]:
    """The meters of `users` under `limits`, by user, in as few queries as for one of them."""
    day, month = _calendar(now)
    users = list(users)
    today, this_month = (spend_of(users, *window) for window in (day, month))
    return {
        user: _both(
            limits.get(user), day, today.get(user, Spend()), month, this_month.get(user, Spend())
        )
        for user in users
    }


def limits_by_user() -> dict[str, SpendingLimit]:
    """Every row of limits, with the name to display, by its user."""
    return {limit.user_id: limit for limit in SpendingLimit.objects.all()}


def _calendar(now: datetime) -> tuple[Span, Span]:
    """The local day and the local month that hold `now`."""
    zone = timezone.get_default_timezone()
    return local_day(now, zone), local_month(now, zone)


def _both(
    limit: SpendingLimit | None, day: Span, today: Spend, month: Span, this_month: Spend
) -> tuple[Meter, Meter]:
    daily, monthly = (limit.daily_limit_nano, limit.monthly_limit_nano) if limit else (None, None)
    return (
        Meter("Daily", daily, today.cost_nano, day[1]),
        Meter("Monthly", monthly, this_month.cost_nano, month[1]),
    )


def _reason(reached: Meter | None) -> str:
    if reached is None or reached.limit_nano is None:
        return ""
    when = "at midnight" if reached.name == "Daily" else "next month"
    return f"{reached.name} limit exceeded ({dollars(reached.limit_nano)}). Resets {when}."


def dollars(nano: int) -> str:
    """Nano-dollars as "$2.50", with more decimals only where there are more."""
    amount = from_nano(nano)
    cents = amount.quantize(Decimal("0.01"))
    return f"${cents if cents == amount else amount.normalize():f}"


def _warning(limit: SpendingLimit, daily: Meter, monthly: Meter, now: datetime) -> str:
    near = next((meter for meter in (daily, monthly) if meter.near), None)
    if near is None or near.limit_nano is None or near.percentage is None:
        return ""
    due = SpendingLimit.objects.filter(pk=limit.pk).due_for_warning(now)
    if not due.update(last_warning_at=now):
        return ""
    return (
        f"{near.name} limit: {near.percentage // 1:.0f} % used"
        f" ({dollars(near.spent_nano)} of {dollars(near.limit_nano)})."
    )


def set_user_limits(
    user_id: str,
    *,
    daily: Decimal | int | Keep | None = KEEP,
    monthly: Decimal | int | Keep | None = KEEP,
    display_name: str | Keep = KEEP,
) -> SpendingLimit:
    """Set a user's limits in dollars: None is unlimited, 0 allows nothing, KEEP changes nothing.

    Raises Invalid, a ValueError, for what is no amount of dollars and for text that cannot be
    stored.
    """
    values: dict[str, Any] = {
        "daily_limit_nano": _nano("daily", daily),
        "monthly_limit_nano": _nano("monthly", monthly),
        "display_name": display_name,
    }
    if not user_id:
        raise Invalid("user_id", "is empty")
    _refuse_unstorable("user_id", user_id, MAX_USER_ID)
    if display_name is not Keep.KEEP:
        _refuse_unstorable("display_name", display_name, MAX_NAME)
    changed = {name: value for name, value in values.items() if value is not KEEP}
    limit, _ = SpendingLimit.objects.update_or_create(user_id=user_id, defaults=changed)
    return limit


def _refuse_unstorable(field: str, text: str, longest: int) -> None:
    if len(text) > longest or not storable(text):
        raise Invalid(field, f"expected at most {longest} characters that can be stored")


def _nano(field: str, amount: Amount) -> int | Keep | None:
    if amount is None or amount is Keep.KEEP:
        return amount
    try:
        return to_nano(amount)
    except ValueError as fault:
        raise Invalid(field, str(fault)) from None
