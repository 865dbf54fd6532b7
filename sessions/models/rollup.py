from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from django.db import models
from django.db.models import F, Q

from sessions.models.tool_call import MAX_TOOL_NAME
from sessions.spans import DAY, HOUR, MONTH, Span, Unit


class ToolSumsQuerySet(models.QuerySet["ToolSums"]):
    def within(self, span: Span) -> ToolSumsQuerySet:
        """The sums of the units that make up `span`, which begins and ends with one."""
        start, end = map(self.model.key_of, span)
        key = self.model.key
        return self.filter(**{f"{key}__gte": start, f"{key}__lt": end})


class ToolSums(models.Model):
    """What the calls of one tool add up to that began in one hour, day or month of UTC.

    Kept by sessions.recording in the transaction of each call (docs/adr/0016).
    """

    key: ClassVar[str]
    unit: ClassVar[Unit]

    tool_name = models.CharField(max_length=MAX_TOOL_NAME)
    calls = models.BigIntegerField()
    failures = models.BigIntegerField()
    timed = models.BigIntegerField(default=0, help_text="Calls whose duration is known.")
    total_ms = models.BigIntegerField(default=0, help_text="What these took together.")
    durations = models.BinaryField(
        default=b"", help_text="How many of these in each bucket (sessions.durations)."
    )

    objects = ToolSumsQuerySet.as_manager()

    class Meta:
        abstract = True
        constraints = [
            models.CheckConstraint(
                condition=Q(failures__gte=0, calls__gte=F("failures")),
                name="%(app_label)s_%(class)s_failures_are_calls",
            ),
            models.CheckConstraint(
                condition=Q(timed__gte=0, total_ms__gte=0, calls__gte=F("timed")),
                name="%(app_label)s_%(class)s_timed_are_calls",
            ),
        ]

    @classmethod
    def key_of(cls, instant: datetime) -> object:
        """What its column holds of the unit that begins at `instant`."""
        return instant.date()


class ToolHour(ToolSums):
    key = "hour"
    unit = HOUR

    hour = models.DateTimeField(help_text="The first instant of the hour.")

    class Meta(ToolSums.Meta):
        # The hours of a range, over all tools.
        indexes = [models.Index(fields=["hour"], name="toolhour_hours")]
        constraints = [
            *ToolSums.Meta.constraints,
            models.UniqueConstraint(
                fields=["tool_name", "hour"], name="%(app_label)s_%(class)s_once_an_hour"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.tool_name} {self.hour:%Y-%m-%d %H:%M}"

    @classmethod
    def key_of(cls, instant: datetime) -> object:
        return instant


class ToolDay(ToolSums):
    key = "day"
    unit = DAY

    day = models.DateField(help_text="UTC.")

    class Meta(ToolSums.Meta):
        # The days of a range, over all tools.
        indexes = [models.Index(fields=["day"], name="toolday_days")]
        constraints = [
            *ToolSums.Meta.constraints,
            models.UniqueConstraint(
                fields=["tool_name", "day"], name="%(app_label)s_%(class)s_once_a_day"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.tool_name} {self.day}"


class ToolMonth(ToolSums):
    key = "month"
    unit = MONTH

    month = models.DateField(help_text="The first day of the UTC month.")

    class Meta(ToolSums.Meta):
        # The months of a range, over all tools.
        indexes = [models.Index(fields=["month"], name="toolmonth_months")]
        constraints = [
            *ToolSums.Meta.constraints,
            models.UniqueConstraint(
                fields=["tool_name", "month"], name="%(app_label)s_%(class)s_once_a_month"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.tool_name} {self.month:%Y-%m}"
