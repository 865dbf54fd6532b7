from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from sessions.models.tool_call import MAX_TOOL_NAME


class ToolDay(models.Model):
    """How often a tool was called on one UTC day, and how often that failed.

    Kept by sessions.recording in the transaction of each call, by the day of its start.
    """

    tool_name = models.CharField(max_length=MAX_TOOL_NAME)
    day = models.DateField(help_text="UTC.")
    calls = models.BigIntegerField()
    failures = models.BigIntegerField()

    class Meta:
        indexes = [models.Index(fields=["day"], name="toolday_days")]
        constraints = [
            models.UniqueConstraint(
                fields=["tool_name", "day"], name="%(app_label)s_%(class)s_once_a_day"
            ),
            models.CheckConstraint(
                condition=Q(failures__gte=0, calls__gte=F("failures")),
                name="%(app_label)s_%(class)s_failures_are_calls",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.tool_name} {self.day}"


class ToolDuration(models.Model):
    """One bucket of the histogram of a tool's durations in one UTC month (sessions.durations)."""

    tool_name = models.CharField(max_length=MAX_TOOL_NAME)
    month = models.DateField(help_text="The first day of the UTC month.")
    bucket = models.IntegerField()
    calls = models.BigIntegerField()

    class Meta:
        indexes = [models.Index(fields=["month"], name="toolduration_months")]
        constraints = [
            models.UniqueConstraint(
                fields=["tool_name", "month", "bucket"],
                name="%(app_label)s_%(class)s_once_a_month",
            ),
            models.CheckConstraint(
                condition=Q(calls__gte=0), name="%(app_label)s_%(class)s_counts"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.tool_name} {self.month:%Y-%m} {self.bucket}"
