from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import ClassVar

from django.db import models
from django.db.models import F, Q

from costs.instants import EPOCH, floor_day, floor_hour
from costs.models.record import MAX_MODEL, MAX_USER_ID
from costs.money import from_nano


class RollupQuerySet(models.QuerySet["Rollup"]):
    def between(self, start: datetime, end: datetime) -> RollupQuerySet:
        """Hours or days that begin in [start, end)."""
        return self.filter(start__gte=start, start__lt=end)

    def before(self, end: datetime) -> RollupQuerySet:
        return self.filter(start__lt=end)


class Rollup(models.Model):
    """Sums of all records before LedgerState.sealed_to, by one key and one span of UTC time."""

    key: ClassVar[str]
    span: ClassVar[str]

    start = models.DateTimeField(help_text="The first instant of the hour or of the UTC day.")
    requests = models.BigIntegerField()
    cost_nano = models.BigIntegerField()
    input_tokens = models.BigIntegerField()
    output_tokens = models.BigIntegerField()
    cache_read_tokens = models.BigIntegerField()
    cache_write_5m_tokens = models.BigIntegerField()
    cache_write_1h_tokens = models.BigIntegerField()

    objects = RollupQuerySet.as_manager()

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{getattr(self, self.key) or 'no model'} {self.start:%Y-%m-%d %H:%M}"

    @classmethod
    def floor(cls, instant: datetime) -> datetime:
        """The start of the cell that holds `instant`."""
        return floor_hour(instant) if cls.span == "hour" else floor_day(instant)

    @property
    def cost(self) -> Decimal:
        """Dollars."""
        return from_nano(self.cost_nano)


class ModelRollup(Rollup):
    key = "model"

    model = models.CharField(max_length=MAX_MODEL, blank=True)

    class Meta:
        abstract = True
        constraints = [
            models.UniqueConstraint(fields=["model", "start"], name="%(app_label)s_%(class)s_cell")
        ]
        # The hours or days of a window over all models.
        indexes = [models.Index(fields=["start"], name="%(app_label)s_%(class)s_start")]


class UserRollup(Rollup):
    key = "user_id"

    user_id = models.CharField(max_length=MAX_USER_ID)

    class Meta:
        abstract = True
        constraints = [
            models.UniqueConstraint(
                fields=["user_id", "start"], name="%(app_label)s_%(class)s_cell"
            )
        ]
        # The hours or days of a window over all users.
        indexes = [models.Index(fields=["start"], name="%(app_label)s_%(class)s_start")]


class ModelHour(ModelRollup):
    span = "hour"


class ModelDay(ModelRollup):
    span = "day"


class UserHour(UserRollup):
    span = "hour"


class UserDay(UserRollup):
    span = "day"


ROLLUPS: tuple[type[Rollup], ...] = (ModelHour, ModelDay, UserHour, UserDay)


class LedgerState(models.Model):
    """The two marks of the ledger, in one row; no row means that neither was ever moved.

    The rollups hold exactly the records before `sealed_to`, pruned ones included. Records
    before `pruned_before`, an hour's beginning, may be gone.
    """

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    sealed_to = models.DateTimeField(default=EPOCH)
    pruned_before = models.DateTimeField(default=EPOCH)

    class Meta:
        verbose_name_plural = "ledger state"
        constraints = [
            models.CheckConstraint(name="costs_ledgerstate_single", condition=Q(id=1)),
            models.CheckConstraint(
                name="costs_ledgerstate_order", condition=Q(pruned_before__lte=F("sealed_to"))
            ),
        ]

    def __str__(self) -> str:
        return f"sealed to {self.sealed_to:%Y-%m-%d %H:%M} UTC"
