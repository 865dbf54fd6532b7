from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone

from tasks.models import Task


class Document(models.Model):
    """What is known of a file under the documentation folder; its content stays in the file."""

    class Status(models.TextChoices):
        ACTIVE = "active"
        ARCHIVED = "archived"
        DELETED = "deleted"

    path = models.CharField(max_length=500, unique=True, help_text="Relative to the folder.")
    status = models.CharField(max_length=8, choices=Status.choices, default=Status.ACTIVE)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)
    archived_at = models.DateTimeField(null=True, blank=True)
    notes = models.TextField(blank=True)
    # Without a constraint: the record of a file outlives that of its task.
    task = models.ForeignKey(
        Task,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="documents",
        db_constraint=False,
    )

    class Meta:
        constraints = [
            models.CheckConstraint(condition=~Q(path=""), name="%(app_label)s_%(class)s_has_path"),
        ]

    def __str__(self) -> str:
        return self.path
