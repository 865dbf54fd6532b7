from __future__ import annotations

from django.db import models

from sessions.models.session import Session
from sessions.models.tool_call import MAX_PATH
from tasks.models import Task


class FileAccess(models.Model):
    """How often a session read, wrote and edited a file: counted from its tool calls."""

    session = models.ForeignKey(Session, models.CASCADE, related_name="files")
    path = models.CharField(max_length=MAX_PATH)
    reads = models.BigIntegerField(default=0)
    writes = models.BigIntegerField(default=0)
    edits = models.BigIntegerField(default=0)
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "file accesses"
        constraints = [
            models.UniqueConstraint(
                fields=["session", "path"], name="%(app_label)s_%(class)s_once_a_session"
            ),
        ]

    def __str__(self) -> str:
        return self.path


class ImportedFile(models.Model):
    """A line of an earlier system's index of files: its counts are over all tasks together."""

    path = models.CharField(max_length=MAX_PATH, unique=True)
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()
    accesses = models.BigIntegerField()
    reads = models.BigIntegerField(default=0)
    writes = models.BigIntegerField(default=0)
    edits = models.BigIntegerField(default=0)
    size = models.BigIntegerField(null=True, blank=True, help_text="Bytes.")
    digest = models.CharField(max_length=128, blank=True)
    tasks = models.ManyToManyField(Task, related_name="imported_files", db_constraint=False)

    def __str__(self) -> str:
        return self.path
