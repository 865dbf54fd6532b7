"""What agents did: the sessions they opened and the tools they called."""

from datetime import datetime
from typing import Self

from django.db import models
from django.db.models import F, Q

from tasks.models import Task


class SessionQuerySet(models.QuerySet["Session"]):
    def between(self, start: datetime, end: datetime) -> Self:
        """Sessions begun in [start, end)."""
        return self.filter(started_at__gte=start, started_at__lt=end)


class Session(models.Model):
    key = models.CharField(max_length=200, unique=True)
    task = models.ForeignKey(Task, models.SET_NULL, null=True, blank=True, related_name="sessions")
    user_id = models.CharField(max_length=64, blank=True)
    started_at = models.DateTimeField()
    last_activity_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    objects = SessionQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["started_at"], name="session_between")]
        constraints = [
            models.CheckConstraint(
                condition=Q(last_activity_at__gte=F("started_at")),
                name="%(app_label)s_%(class)s_active_after_start",
            ),
        ]

    def __str__(self) -> str:
        return self.key


class ToolCallQuerySet(models.QuerySet["ToolCall"]):
    def between(self, start: datetime, end: datetime) -> Self:
        """Calls begun in [start, end)."""
        return self.filter(started_at__gte=start, started_at__lt=end)


class ToolCall(models.Model):
    session = models.ForeignKey(Session, models.CASCADE, related_name="tool_calls")
    tool_use_id = models.CharField(max_length=128, blank=True)
    tool_name = models.CharField(max_length=128)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)
    success = models.BooleanField(null=True, blank=True)  # null: still running

    objects = ToolCallQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["started_at"], name="toolcall_between")]
        constraints = [
            models.UniqueConstraint(
                fields=["session", "tool_use_id"],
                condition=~Q(tool_use_id=""),
                name="%(app_label)s_%(class)s_once_a_session",
            ),
            models.CheckConstraint(
                condition=Q(success__isnull=True, finished_at__isnull=True)
                | Q(success__isnull=False, finished_at__isnull=False),
                name="%(app_label)s_%(class)s_outcome_has_time",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.tool_name} in {self.session_id}"
