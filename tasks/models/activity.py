from __future__ import annotations

from datetime import datetime
from hashlib import blake2b
from typing import Any

from django.db import models
from django.db.models import Q

from tasks.models.task import Task


def event_digest(time: datetime, status: str, message: str) -> str:
    """The identity of an event that brings none of its own: told again, it is the same."""
    text = f"{time.isoformat()} {status} {message}"
    return blake2b(text.encode("utf-8", "replace"), digest_size=16).hexdigest()


class Activity(models.Model):
    """One line of a task's log: a change of state, or what its agent had to say. Append-only.

    The task need not be known yet: a log line may arrive before the task itself.
    """

    task = models.ForeignKey(Task, models.CASCADE, related_name="activity", db_constraint=False)
    time = models.DateTimeField()
    status = models.CharField(max_length=32, blank=True, help_text="Blank for a line of the log.")
    message = models.TextField(blank=True)
    output_lines = models.BigIntegerField(null=True, blank=True)
    metadata = models.JSONField(default=dict, blank=True)
    event_id = models.CharField(max_length=64, help_text="The same event twice is one row.")

    class Meta:
        verbose_name_plural = "activity"
        indexes = [
            models.Index(fields=["task", "time"], name="activity_log"),
            # The changes of state in a range, over all tasks.
            models.Index(
                fields=["time", "status"], condition=~Q(status=""), name="activity_changes"
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["task", "event_id"], name="%(app_label)s_%(class)s_once_a_task"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.task_id}: {self.status or self.message[:50]}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.event_id = self.event_id or event_digest(self.time, self.status, self.message)
        super().save(*args, **kwargs)
