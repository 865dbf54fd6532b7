from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Self

from django.core.files.base import ContentFile
from django.db import models, transaction
from django.db.models import Q
from django.utils import timezone

from tasks.errors import category, fingerprint
from tasks.facts import learn
from tasks.files import recognized

if TYPE_CHECKING:
    from tasks.models.attachment import Attachment

MAX_ID = 64
MAX_NAME = 100


def new_task_id() -> str:
    return secrets.token_hex(6)


class Status(models.TextChoices):
    """In the order of their weight: of two reported for one instant the later one counts."""

    PENDING = "pending"
    RUNNING = "running"
    STOPPED = "stopped"
    FAILED = "failed"
    COMPLETED = "completed"


RANK = {status: rank for rank, status in enumerate(Status)}
ACTIVE = (Status.PENDING, Status.RUNNING)
FINISHED = (Status.COMPLETED, Status.FAILED, Status.STOPPED)


def _weight(at: datetime, status: str, error: str, result: str) -> tuple[Any, ...]:
    """Orders reported states: the heaviest is the state of the task."""
    return status != Status.PENDING, at, RANK[Status(status)], error, result


class NotAllowed(Exception):
    """The task is in a state from which that step makes no sense; the text says which."""


class TaskQuerySet(models.QuerySet["Task"]):
    def active(self) -> Self:
        return self.filter(status__in=ACTIVE)

    def running(self) -> Self:
        return self.filter(status=Status.RUNNING)

    def finished(self) -> Self:
        return self.filter(status__in=FINISHED)

    def completed(self) -> Self:
        return self.filter(status=Status.COMPLETED)

    def not_completed(self) -> Self:
        return self.exclude(status=Status.COMPLETED)

    def failed_or_stopped(self) -> Self:
        return self.filter(status__in=(Status.FAILED, Status.STOPPED))

    def created_between(self, start: datetime, end: datetime) -> Self:
        return self.filter(created_at__gte=start, created_at__lt=end)

    def heard_between(self, start: datetime, end: datetime) -> Self:
        """Tasks whose last news lies in [start, end)."""
        return self.filter(updated_at__gte=start, updated_at__lt=end)

    def finished_between(self, start: datetime, end: datetime) -> Self:
        return self.filter(finished_at__gte=start, finished_at__lt=end)

    def completed_between(self, start: datetime, end: datetime) -> Self:
        """Tasks that ended well in [start, end), whenever they were created."""
        return self.finished_between(start, end).filter(status=Status.COMPLETED)

    def failed_between(self, start: datetime, end: datetime) -> Self:
        """Tasks that failed in [start, end), whenever they were created."""
        return self.finished_between(start, end).filter(status=Status.FAILED)

    def pending_since(self, before: datetime) -> Self:
        """Tasks created before `before` that nobody has taken up."""
        return self.filter(status=Status.PENDING, created_at__lt=before)

    def silent_since(self, before: datetime) -> Self:
        """Running tasks without news since `before`."""
        return self.running().filter(updated_at__lt=before)

    def matching(self, text: str) -> Self:
        """Tasks with `text`, in any case, in their id, user, description or error."""
        fields = ("id", "user_id", "description", "error")
        wanted = Q()
        for field in fields:
            wanted |= Q(**{f"{field}__icontains": text})
        return self.filter(wanted)

    def heard(self, task_id: str, at: datetime) -> None:
        """Note that there was news of a task at `at`; an unknown task is none's concern."""
        self.filter(id=task_id, updated_at__lt=at).update(updated_at=at)


class Task(models.Model):
    """A piece of work given to an agent.

    Its state is the latest one reported, by the time of the report and not of its arrival:
    events may come late, twice, or in any order, and end in the same row.
    """

    NotAllowed = NotAllowed

    id = models.CharField(max_length=MAX_ID, primary_key=True, default=new_task_id)
    user_id = models.CharField(max_length=64, blank=True)
    description = models.TextField(blank=True)
    status = models.CharField(max_length=9, choices=Status.choices, default=Status.PENDING)
    status_at = models.DateTimeField(default=timezone.now)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    model = models.CharField(max_length=MAX_NAME, blank=True)
    workspace = models.TextField(blank=True)
    agent_type = models.CharField(max_length=MAX_NAME, blank=True)
    last_agent_type = models.CharField(max_length=MAX_NAME, blank=True)
    workflow = models.CharField(max_length=MAX_NAME, blank=True)
    phase = models.CharField(max_length=MAX_NAME, blank=True)
    phase_number = models.IntegerField(default=0)
    context = models.TextField(blank=True)
    result = models.TextField(blank=True)
    error = models.TextField(blank=True)
    error_category = models.CharField(max_length=32, blank=True)
    error_fingerprint = models.CharField(max_length=16, blank=True)
    pid = models.BigIntegerField(null=True, blank=True)
    host = models.CharField(max_length=255, blank=True)
    facts_at = models.JSONField(default=dict, blank=True, editable=False)

    objects = TaskQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["created_at"], name="task_created_between"),
            models.Index(fields=["status", "finished_at"], name="task_finished_between"),
            # The lists by status, newest news first, and their counts.
            models.Index(fields=["status", "updated_at"], name="task_heard_between"),
            models.Index(fields=["updated_at"], name="task_last_change"),
            # The tasks of one user: the admin's search.
            models.Index(fields=["user_id", "created_at"], name="task_of_user"),
            # The failed tasks of a range by what they failed of.
            models.Index(
                fields=["finished_at", "error_fingerprint"],
                condition=Q(status=Status.FAILED),
                name="task_errors",
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=ACTIVE, finished_at__isnull=True)
                | Q(status__in=FINISHED, finished_at__isnull=False),
                name="%(app_label)s_%(class)s_finished_has_time",
            ),
            models.CheckConstraint(
                condition=~Q(id=""),
                name="%(app_label)s_%(class)s_has_id",
            ),
        ]

    def __str__(self) -> str:
        return self.id

    @property
    def is_active(self) -> bool:
        return self.status in ACTIVE

    @property
    def is_failed(self) -> bool:
        return self.status == Status.FAILED

    @property
    def duration(self) -> timedelta | None:
        """From its start to its end, or to the last news while it runs; None before the start."""
        if self.started_at is None:
            return None
        return max(timedelta(), (self.finished_at or self.updated_at) - self.started_at)

    def take(
        self,
        status: str,
        at: datetime,
        created_at: datetime | None = None,
        *,
        error: str = "",
        result: str = "",
    ) -> None:
        """Merge a report into this row, without saving: a blank `status` is mere news.

        The state of the latest time counts, whenever it arrives; of states at one instant the
        weightier, then the one with the greater text. Pending is what a task is before anything
        else was said: to report it changes no state, whatever the clocks say.
        """
        self.created_at = min(self.created_at, created_at or at, at)
        self.updated_at = max(self.updated_at, at)
        if status == Status.RUNNING:
            self.started_at = min(self.started_at or at, at)
        told, known = (
            (at, status, error, result),
            (self.status_at, self.status, self.error, self.result),
        )
        if status not in ("", Status.PENDING) and _weight(*told) > _weight(*known):
            self.status_at, self.status, self.error, self.result = told
            self.finished_at = at if status in FINISHED else None
            self.error_category = category(error) if error else ""
            self.error_fingerprint = fingerprint(error) if error else ""
        if self.status == Status.PENDING:
            self.status_at = self.created_at

    def start(self, *, pid: int | None = None, host: str = "") -> None:
        """An agent begins, as process `pid` of `host`. Raises NotAllowed unless it is pending."""
        self._step(Status.RUNNING, (Status.PENDING,), "Started", {"pid": pid, "host": host})

    def complete(self, result: str = "") -> None:
        """It ended well. Raises NotAllowed unless it is pending or running."""
        self._step(Status.COMPLETED, ACTIVE, "Completed", result=result)

    def fail(self, error: str) -> None:
        """It ended with `error`. Raises NotAllowed unless it is pending or running."""
        self._step(Status.FAILED, ACTIVE, f"Failed: {error}", error=error)

    def stop(self, by: str = "") -> None:
        """Somebody ended it. Raises NotAllowed unless it is pending or running."""
        words = f"Stopped by {by}" if by else "Stopped"
        self._step(Status.STOPPED, ACTIVE, words, error=words)

    def mark_fixed(self, by: str = "") -> None:
        """A failure that was put right counts as completed, at the time at which the work ended.

        Its error stays in the activity log. Raises NotAllowed unless the task failed.
        """
        words = f"Marked fixed by {by}" if by else "Marked fixed"
        self._step(Status.COMPLETED, (Status.FAILED,), words)

    def attach(self, name: str, content: bytes) -> Attachment:
        """Keep a screenshot or document of the task. Raises ValueError for what is neither."""
        kind, media_type = recognized(name, content)
        attachment: Attachment = self.attachments.model(
            task=self, name=name, kind=kind, media_type=media_type, size=len(content)
        )
        attachment.file.save(name, ContentFile(content))
        return attachment

    def _step(
        self,
        status: Status,
        allowed: tuple[Status, ...],
        message: str,
        facts: Mapping[str, Any] | None = None,
        *,
        error: str = "",
        result: str = "",
    ) -> None:
        """Move to `status` in a transaction, whatever this object believes of the row."""
        with transaction.atomic():
            row = Task.objects.select_for_update().get(pk=self.pk)
            if row.status not in allowed:
                raise NotAllowed(
                    f"Task {row.id} is {row.status}; only one that is {' or '.join(allowed)}"
                    f" can become {status.value}."
                )
            at, ended = max(timezone.now(), row.status_at), row.finished_at
            row.take(status, at, error=error, result=result)
            row.finished_at = row.finished_at and (ended or row.finished_at)
            learn(row, facts or {}, at)
            row.save()
            row.activity.create(time=at, status=status.value, message=message)
        self.refresh_from_db()
