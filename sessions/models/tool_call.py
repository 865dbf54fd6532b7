from __future__ import annotations

from datetime import datetime
from typing import Any, Self

from django.db import models
from django.db.models import Count, Q, Sum

from sessions.models.session import Session

MAX_TOOL_NAME = 128
MAX_TOOL_USE_ID = 128
MAX_PATH = 500
BARE = ""  # in the place of parameters that were pruned; no call is told with that


class ToolCallQuerySet(models.QuerySet["ToolCall"]):
    def between(self, start: datetime, end: datetime) -> Self:
        """Calls begun in [start, end)."""
        return self.filter(started_at__gte=start, started_at__lt=end)

    def failed(self) -> Self:
        return self.filter(success=False)

    def of_tool(self, tool_name: str) -> Self:
        return self.filter(tool_name=tool_name)

    def with_body(self) -> Self:
        """Calls of which parameters or an error text are kept."""
        return self.exclude(parameters=BARE).exclude(parameters={}, error="")

    def in_progress(self, now: datetime) -> Self:
        """Calls without an end, of sessions that are not over at `now`."""
        return self.filter(success__isnull=True, session__in=Session.objects.open(now))

    def counted(self) -> models.QuerySet[ToolCall, Any]:
        """By tool: calls, those that failed, those of known duration, and their milliseconds."""
        return (
            self.order_by()
            .values_list("tool_name")
            .annotate(
                n=Count("pk"),
                failed=Count("pk", filter=Q(success=False)),
                timed=Count("duration_ms"),
                total_ms=Sum("duration_ms", default=0),
            )
        )


class ToolCall(models.Model):
    """One call of a tool: its start makes the row and its end completes it, or the reverse.

    sessions.recording alone writes here.
    """

    session = models.ForeignKey(Session, models.CASCADE, related_name="tool_calls")
    tool_use_id = models.CharField(max_length=MAX_TOOL_USE_ID, blank=True)
    tool_name = models.CharField(max_length=MAX_TOOL_NAME)
    started_at = models.DateTimeField(help_text="The earliest time known of it.")
    reported_start_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    reported_ms = models.BigIntegerField(null=True, blank=True)
    duration_ms = models.BigIntegerField(
        null=True, blank=True, help_text="As reported, else from start to end; milliseconds."
    )
    success = models.BooleanField(null=True, blank=True)  # null: no end was reported
    error = models.TextField(blank=True)
    error_category = models.CharField(max_length=32, blank=True)
    error_fingerprint = models.CharField(max_length=16, blank=True)
    parameters = models.JSONField(default=dict, blank=True)
    file_path = models.CharField(max_length=MAX_PATH, blank=True)
    input_tokens = models.BigIntegerField(default=0)
    output_tokens = models.BigIntegerField(default=0)
    cache_read_tokens = models.BigIntegerField(default=0)
    cache_write_tokens = models.BigIntegerField(default=0)

    objects = ToolCallQuerySet.as_manager()

    class Meta:
        indexes = [
            # Statistics of a range, without a look at the rows.
            models.Index(
                fields=["started_at", "tool_name", "duration_ms", "success"],
                name="toolcall_between",
            ),
            # The timeline of a session.
            models.Index(fields=["session", "started_at"], name="toolcall_timeline"),
            # The calls of one tool in a session, and how many of each there are.
            models.Index(
                fields=["session", "tool_name", "started_at"], name="toolcall_tool_timeline"
            ),
            # How often a session used a file.
            models.Index(
                fields=["session", "file_path"],
                condition=~Q(file_path=""),
                name="toolcall_files",
            ),
            # The failed calls of a range by what they failed of.
            models.Index(
                fields=["started_at", "error_fingerprint"],
                condition=Q(success=False),
                name="toolcall_errors",
            ),
            # The failed calls that say the same.
            models.Index(
                fields=["error_fingerprint", "started_at"],
                condition=Q(success=False),
                name="toolcall_alike",
            ),
            # The newest failed calls of a tool.
            models.Index(
                fields=["tool_name", "started_at", "error_fingerprint"],
                condition=Q(success=False),
                name="toolcall_tool_errors",
            ),
            # The calls in progress of open sessions.
            models.Index(
                fields=["session"],
                condition=Q(success__isnull=True),
                name="toolcall_in_progress",
            ),
            # The newest calls that name a file.
            models.Index(
                fields=["started_at", "file_path", "tool_name", "session"],
                condition=~Q(file_path=""),
                name="toolcall_file_uses",
            ),
        ]
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
            models.CheckConstraint(
                condition=Q(duration_ms__isnull=True) | Q(duration_ms__gte=0),
                name="%(app_label)s_%(class)s_duration_is_positive",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.tool_name} in {self.session_id}"

    @property
    def is_bare(self) -> bool:
        """Whether its parameters and error text were pruned."""
        return bool(self.parameters == BARE)
