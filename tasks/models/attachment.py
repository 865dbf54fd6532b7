from __future__ import annotations

from pathlib import Path
from uuid import uuid4

from django.conf import settings
from django.core.files.storage import FileSystemStorage
from django.db import models
from django.utils import timezone

from tasks.models.task import Task


class AttachmentStorage(FileSystemStorage):
    """Beside the database and never served as static files: a view asks who reads them."""

    @property
    def base_location(self) -> Path:
        return Path(settings.DATA_DIR) / "attachments"

    @property
    def location(self) -> str:
        return str(self.base_location.absolute())


def storage() -> AttachmentStorage:
    """Asked for by name, so that no migration holds a path."""
    return AttachmentStorage()


def stored_name(attachment: Attachment, name: str) -> str:
    """A name of our own: what the sender called the file never reaches the disk."""
    return uuid4().hex


class Attachment(models.Model):
    """A screenshot or a document that belongs to a task, with its content in a file."""

    class Kind(models.TextChoices):
        SCREENSHOT = "screenshot"
        DOCUMENT = "document"

    task = models.ForeignKey(Task, models.CASCADE, related_name="attachments")
    name = models.CharField(max_length=200)
    kind = models.CharField(max_length=10, choices=Kind.choices)
    media_type = models.CharField(max_length=64)
    size = models.BigIntegerField(help_text="Bytes.")
    file = models.FileField(storage=storage, upload_to=stored_name)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes = [models.Index(fields=["task", "created_at"], name="attachments_of_task")]

    def __str__(self) -> str:
        return self.name
