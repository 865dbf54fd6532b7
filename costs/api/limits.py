"""Routes that tell, check and set what users may spend."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from http import HTTPStatus
from typing import Annotated

from django.utils import timezone
from dmr import Path, modify
from dmr.plugins.msgspec import BodyMsgspec
from msgspec import UNSET, Meta, Struct, UnsetType
from msgspec.structs import asdict

from costs.api.user import User
from costs.limits import Meter, check_limits, meters, set_user_limits
from costs.models import SpendingLimit
from costs.models.limit import MAX_NAME
from costs.money import from_nano
from records.api import Api
from records.money import Dollars, Money


class LimitMeter(Struct):
    """One limit beside what counts against it; `limit` is null where nothing is limited."""

    limit: Dollars | None
    spent: Dollars
    percentage: Annotated[
        float | None, Meta(description="The share spent: 100 at the limit, null without one.")
    ]
    remaining: Dollars | None
    resets_at: Annotated[datetime, Meta(tz=True, description="When it is counted anew.")]


class UserLimits(Struct):
    """What a user may spend a day and a month, and has spent."""

    user_id: str
    display_name: str
    daily: LimitMeter
    monthly: LimitMeter


class NewLimits(Struct, forbid_unknown_fields=True):
    """The limits to be changed."""

    daily: Money | UnsetType | None = UNSET
    monthly: Money | UnsetType | None = UNSET
    display_name: Annotated[str, Meta(max_length=MAX_NAME)] | UnsetType = UNSET


class LimitsApi(Api):
    permission = "costs.change_spendinglimit"
    tags = ("Usage and limits",)

    def get(self, parsed_path: Path[User]) -> UserLimits:
        """Tell what a user may spend, and has spent.

        Days and months are those of the server's TIME_ZONE. A user nobody has heard of has no
        limits, and is not made by asking. Asking does not use up the hourly warning either.
        """
        return _limits(parsed_path.user_id)

    def put(self, parsed_path: Path[User], parsed_body: BodyMsgspec[NewLimits]) -> UserLimits:
        """Set what a user may spend, and answer how far that is used up.

        What is left out stays as it is; null is unlimited, 0 allows nothing.
        """
        given = {name: value for name, value in asdict(parsed_body).items() if value is not UNSET}
        set_user_limits(parsed_path.user_id, **given)
        return _limits(parsed_path.user_id)


def _limits(user_id: str) -> UserLimits:
    limit = SpendingLimit.objects.filter(user_id=user_id).first()
    daily, monthly = meters(user_id, limit, timezone.now())
    name = limit.display_name if limit else ""
    return UserLimits(user_id, name, _meter(daily), _meter(monthly))


def _meter(meter: Meter) -> LimitMeter:
    return LimitMeter(
        _dollars(meter.limit_nano),
        from_nano(meter.spent_nano),
        meter.percentage,
        _dollars(meter.remaining_nano),
        meter.resets_at,
    )


def _dollars(nano: int | None) -> Decimal | None:
    return None if nano is None else from_nano(nano)


class Asker(User, forbid_unknown_fields=True):
    """Who is about to call a model."""


class LimitsCheck(Struct):
    """Whether the call is allowed. `reason` and `warning` are sentences for the user, or empty."""

    allowed: bool
    reason: str
    warning: str
    daily: LimitMeter
    monthly: LimitMeter


class CheckApi(Api):
    """Ask before a call whether a user may spend more.

    Refused is who has spent as much as a limit or more. From 80 % on there is a warning, at most
    once an hour a user, whoever asks.
    """

    tags = ("Usage and limits",)

    @modify(status_code=HTTPStatus.OK)
    def post(self, parsed_body: BodyMsgspec[Asker]) -> LimitsCheck:
        verdict = check_limits(parsed_body.user_id)
        return LimitsCheck(
            verdict.allowed,
            verdict.reason,
            verdict.warning,
            _meter(verdict.daily),
            _meter(verdict.monthly),
        )
