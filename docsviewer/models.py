from __future__ import annotations

from django.db import models, transaction
from django.db.models import Q
from django.utils import timezone

from records.faults import Invalid
from tasks.models import Task

MAX_PATH = 500
MAX_NOTES = 2_000


class NotAllowed(Exception):
    """The document is in a state from which that step makes no sense; the text says which."""


class DocumentQuerySet(models.QuerySet["Document"]):
    def known(self) -> dict[str, Document]:
        """What is known of each path, but for the notes."""
        return {document.path: document for document in self.defer("notes")}

    @transaction.atomic
    def archive(self, path: str, notes: str = "") -> Document:
        """Archive the document at `path`. Raises NotAllowed if it is, and Invalid for its notes."""
        if len(path) > MAX_PATH:
            raise NotAllowed(f"A path of more than {MAX_PATH} characters cannot be archived.")
        self.get_or_create(path=path)
        document = self.select_for_update().get(path=path)
        document.archive(notes)
        return document

    @transaction.atomic
    def restore(self, path: str, notes: str = "") -> Document:
        """Make the document at `path` active. Raises NotAllowed if it is, and Invalid."""
        document = self.select_for_update().filter(path=path).first() or Document(path=path)
        document.restore(notes)
        return document


class Document(models.Model):
    """What is known of a file under the documentation folder; its content stays in the file."""

    class Status(models.TextChoices):
        ACTIVE = "active"
        ARCHIVED = "archived"
        DELETED = "deleted"

    NotAllowed = NotAllowed

    path = models.CharField(max_length=MAX_PATH, unique=True, help_text="Relative to the folder.")
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

    objects = DocumentQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=~Q(path=""), name="%(app_label)s_%(class)s_has_path"),
        ]

    def __str__(self) -> str:
        return self.path

    @property
    def is_archived(self) -> bool:
        return self.status == self.Status.ARCHIVED

    def archive(self, notes: str = "") -> None:
        """Raises NotAllowed if it is archived already, and Invalid for notes that are too long."""
        if self.is_archived:
            raise NotAllowed("The document is archived already.")
        self._become(self.Status.ARCHIVED, notes)

    def restore(self, notes: str = "") -> None:
        """Raises NotAllowed if it is not archived, and Invalid for notes that are too long."""
        if not self.is_archived:
            raise NotAllowed("The document is active already.")
        self._become(self.Status.ACTIVE, notes)

    def _become(self, status: Status, notes: str) -> None:
        if len(notes) > MAX_NOTES or "\0" in notes:
            raise Invalid("notes", f"at most {MAX_NOTES:,} characters of text")
        self.status, self.updated_at, self.notes = status, timezone.now(), notes or self.notes
        self.archived_at = self.updated_at if self.is_archived else None
        self.save(update_fields=["status", "updated_at", "notes", "archived_at"])
