from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import ClassVar

from django.db import models
from django.db.models import F, Q

from costs.instants import EPOCH, floor_day, floor_hour, floor_month
from costs.models.record import MAX_MODEL, MAX_REQUEST_TYPE, MAX_SESSION_KEY, MAX_USER_ID
from costs.money import from_nano
from costs.totals import SUMMED_FIELDS
from records.fields import InstantField

FLOORS = {"hour": floor_hour, "day": floor_day, "month": floor_month}


class RollupQuerySet(models.QuerySet["Rollup"]):
    def between(self, start: datetime, end: datetime) -> RollupQuerySet:
        """Cells that begin in [start, end)."""
        return self.filter(start__gte=start, start__lt=end)

    def before(self, end: datetime) -> RollupQuerySet:
        return self.filter(start__lt=end)


class Rollup(models.Model):
    """Sums of all records before LedgerState.sealed_to, by a key and one span of UTC time."""

    keys: ClassVar[tuple[str, ...]]  # the columns of the key
    span: ClassVar[str]
    hours: ClassVar[type[Rollup] | None] = None  # of days: the cells that add up to them
    takes_blank: ClassVar[bool] = True  # whether records with a blank key are in a cell

    start = InstantField(help_text="The first instant of the hour or of the UTC day.")
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
        key = " ".join(getattr(self, column) or "no model" for column in self.keys)
        return f"{key} {self.start:%Y-%m-%d %H:%M}"

    @classmethod
    def floor(cls, instant: datetime) -> datetime:
        """The start of the cell that holds `instant`."""
        return FLOORS[cls.span](instant)

    @property
    def cost(self) -> Decimal:
        """Dollars."""
        return from_nano(self.cost_nano)


class ModelRollup(Rollup):
    keys = ("model",)

    model = models.CharField(max_length=MAX_MODEL, blank=True)

    class Meta:
        abstract = True
        constraints = [
            models.UniqueConstraint(fields=["model", "start"], name="%(app_label)s_%(class)s_cell")
        ]
        # The hours or days of a window over all models.
        indexes = [models.Index(fields=["start"], name="%(app_label)s_%(class)s_start")]


class UserRollup(Rollup):
    keys = ("user_id",)

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


class TypeRollup(Rollup):
    keys = ("request_type",)

    request_type = models.CharField(
        max_length=MAX_REQUEST_TYPE,
        blank=True,
        help_text="Blank also where it is not known: of hours pruned before types were kept.",
    )

    class Meta:
        abstract = True
        constraints = [
            models.UniqueConstraint(
                fields=["request_type", "start"], name="%(app_label)s_%(class)s_cell"
            )
        ]
        # The hours or days of a window over all types.
        indexes = [models.Index(fields=["start"], name="%(app_label)s_%(class)s_start")]


class ModelHour(ModelRollup):
    span = "hour"


class ModelDay(ModelRollup):
    span = "day"
    hours = ModelHour


class UserHour(UserRollup):
    span = "hour"


class UserDay(UserRollup):
    span = "day"
    hours = UserHour

    class Meta(UserRollup.Meta):
        # As of the hours, with the sums: days are few, and many of them are read for a month.
        indexes = [
            models.Index(
                fields=["start", "user_id", *SUMMED_FIELDS], name="%(app_label)s_%(class)s_start"
            )
        ]


class TypeHour(TypeRollup):
    span = "hour"


class TypeDay(TypeRollup):
    span = "day"
    hours = TypeHour


class SessionHour(Rollup):
    """Hours alone: a session is short, so its days would hardly be fewer."""

    keys = ("session_key",)
    span = "hour"
    takes_blank = False

    session_key = models.CharField(max_length=MAX_SESSION_KEY)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["session_key", "start"], name="costs_sessionhour_cell")
        ]
        # The hours of a window over all sessions.
        indexes = [models.Index(fields=["start"], name="costs_sessionhour_start")]


class SessionSpan(models.Model):
    """What the hours of a session add up to, from the first of them to the last."""

    session_key = models.CharField(max_length=MAX_SESSION_KEY, unique=True)
    first_hour = InstantField(help_text="The first instant of the first hour.")
    last_hour = InstantField(help_text="The first instant of the last hour.")
    cost_nano = models.BigIntegerField()

    class Meta:
        # The dearest sessions of a long window, without a look at the rows.
        indexes = [
            models.Index(
                fields=["-cost_nano", "session_key", "first_hour", "last_hour"],
                name="costs_sessionspan_dearest",
            )
        ]

    def __str__(self) -> str:
        return self.session_key


class UserModelMonth(Rollup):
    """What one user spent on one model: months alone, for the breakdowns of long ranges."""

    keys = ("user_id", "model")
    span = "month"

    user_id = models.CharField(max_length=MAX_USER_ID)
    model = models.CharField(
        max_length=MAX_MODEL,
        blank=True,
        help_text="Blank also where it is not known: of hours pruned before these were kept.",
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["user_id", "model", "start"], name="costs_usermodelmonth_cell"
            )
        ]
        # The months of a window over all users and models.
        indexes = [models.Index(fields=["start"], name="costs_usermodelmonth_start")]


ROLLUPS: tuple[type[Rollup], ...] = (
    *(ModelHour, ModelDay),
    *(UserHour, UserDay),
    *(TypeHour, TypeDay),
    SessionHour,
    UserModelMonth,
)


class LedgerState(models.Model):
    """The two marks of the ledger, in one row; no row means that neither was ever moved.

    The rollups hold exactly the records before `sealed_to`, pruned ones included. Records
    before `pruned_before`, an hour's beginning, may be gone.
    """

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    sealed_to = InstantField(default=EPOCH)
    pruned_before = InstantField(default=EPOCH)

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
