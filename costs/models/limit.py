from __future__ import annotations

from datetime import datetime, timedelta

from django.db import models
from django.db.models import Q

from costs.models.record import MAX_USER_ID
from costs.money import MAX_COST, NANO

MAX_NAME = 100
WARNING_INTERVAL = timedelta(hours=1)


class SpendingLimitQuerySet(models.QuerySet["SpendingLimit"]):
    def due_for_warning(self, now: datetime) -> SpendingLimitQuerySet:
        """Limits not warned of within the hour before `now`.

        A warning stamped in the future, by a clock since set back, does not silence the next.
        """
        return self.filter(
            Q(last_warning_at=None)
            | Q(last_warning_at__lte=now - WARNING_INTERVAL)
            | Q(last_warning_at__gt=now)
        )


def _amount(field: str) -> models.CheckConstraint:
    return models.CheckConstraint(
        name=f"costs_limit_{field}_range",
        condition=Q(**{f"{field}__isnull": True})
        | Q(**{f"{field}__gte": 0, f"{field}__lte": int(MAX_COST) * NANO}),
    )


class SpendingLimit(models.Model):
    """What a user may spend per calendar day and month of settings.TIME_ZONE."""

    user_id = models.CharField(max_length=MAX_USER_ID, unique=True)
    display_name = models.CharField(max_length=MAX_NAME, blank=True)
    daily_limit_nano = models.BigIntegerField(null=True, blank=True)
    monthly_limit_nano = models.BigIntegerField(null=True, blank=True)
    last_warning_at = models.DateTimeField(null=True, blank=True)

    objects = SpendingLimitQuerySet.as_manager()

    class Meta:
        ordering = ["user_id"]
        constraints = [
            _amount("daily_limit_nano"),
            _amount("monthly_limit_nano"),
            models.CheckConstraint(name="costs_limit_has_user", condition=~Q(user_id="")),
        ]

    def __str__(self) -> str:
        return self.display_name or self.user_id
