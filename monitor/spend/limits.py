"""The limits of one user, as they are changed from the spend page."""

from __future__ import annotations

from typing import Any

from django.contrib.admin.models import ADDITION, CHANGE, LogEntry
from django.contrib.admin.utils import construct_change_message
from django.contrib.auth.models import User
from django.db import transaction

from costs.forms import SpendingLimitForm
from costs.limits import set_user_limits
from costs.models import SpendingLimit
from costs.money import from_nano


class LimitsForm(SpendingLimitForm):
    """The form of the administration without the user, who is known."""

    class Meta(SpendingLimitForm.Meta):
        fields = SpendingLimitForm.Meta.fields[1:]


def keep(form: LimitsForm, user_id: str, by: User) -> SpendingLimit:
    """Set what the valid form says, and log it as the administration does."""
    is_new = form.instance.pk is None
    told = construct_change_message(form, [], is_new)  # type: ignore[arg-type]
    with transaction.atomic():
        limit = set_user_limits(
            user_id,
            daily=_dollars(form.cleaned_data["daily_limit_nano"]),
            monthly=_dollars(form.cleaned_data["monthly_limit_nano"]),
            display_name=form.cleaned_data["display_name"],
        )
        flag = ADDITION if is_new else CHANGE
        LogEntry.objects.log_actions(by.pk, [limit], flag, told, single_object=True)
    return limit


def _dollars(nano: int | None) -> Any:
    return None if nano is None else from_nano(nano)
