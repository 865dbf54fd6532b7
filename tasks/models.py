"""The tasks given to agents, and how each came out."""

import secrets
from datetime import datetime
from typing import Self

from django.db import models
from django.db.models import Q
from django.utils import timezone


def new_task_id() -> str:
    return secrets.token_hex(6)


class Status(models.TextChoices):
    PENDING = "pending"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    STOPPED = "stopped"


class TaskQuerySet(models.QuerySet["Task"]):
    def created_between(self, start: datetime, end: datetime) -> Self:
        return self.filter(created_at__gte=start, created_at__lt=end)

    def finished_between(self, start: datetime, end: datetime) -> Self:
        return self.filter(finished_at__gte=start, finished_at__lt=end)

    def completed_between(self, start: datetime, end: datetime) -> Self:
        """Tasks that ended well in [start, end), whenever they were created."""
        return self.finished_between(start, end).filter(status=Status.COMPLETED)

    def failed_between(self, start: datetime, end: datetime) -> Self:
        """Tasks that failed in [start, end), whenever they were created."""
        return self.finished_between(start, end).filter(status=Status.FAILED)


class Task(models.Model):
    Status = Status

    id = models.CharField(max_length=64, primary_key=True, default=new_task_id)
    user_id = models.CharField(max_length=64)
    description = models.TextField()
    status = models.CharField(max_length=9, choices=Status.choices, default=Status.PENDING)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(auto_now=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = TaskQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["created_at"], name="task_created_between"),
            models.Index(fields=["status", "finished_at"], name="task_finished_between"),
            models.Index(fields=["updated_at"], name="task_last_change"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(
                    status__in=[Status.PENDING, Status.RUNNING],
                    finished_at__isnull=True,
                )
                | Q(
                    status__in=[Status.COMPLETED, Status.FAILED, Status.STOPPED],
                    finished_at__isnull=False,
                ),
                name="%(app_label)s_%(class)s_finished_has_time",
            ),
        ]

    def __str__(self) -> str:
        return self.id
