from __future__ import annotations

from datetime import datetime, timedelta
from typing import Self

from django.db import models
from django.db.models import Exists, F, OuterRef, Q
from django.db.models.expressions import RawSQL

from tasks.models import Task

MAX_KEY = 200
MAX_NAME = 100
ACTIVE_FOR = timedelta(minutes=5)
IDLE_FOR = timedelta(minutes=30)
# Heard of since its bodies were pruned, or never pruned: so it may have some.
HAS_BODIES = Q(bodies_kept_from=None) | Q(bodies_kept_from__lte=F("last_activity_at"))
# UNION drops what was met before, so that sessions which claim each other as parents end.
DESCENT = """
    WITH RECURSIVE family (id) AS (
        {heads}
        UNION SELECT child.id FROM {table} AS child JOIN family ON child.parent_id = family.id
    ) SELECT id FROM family
"""


class SessionStatus(models.TextChoices):
    ACTIVE = "active"
    IDLE = "idle"
    COMPLETED = "completed"


class SessionQuerySet(models.QuerySet["Session"]):
    def code(self) -> Self:
        """Sessions in their own right: not those that stand in for a task (see Session)."""
        return self.exclude(key=F("task_id"))

    def between(self, start: datetime, end: datetime) -> Self:
        """Code sessions begun in [start, end)."""
        return self.code().filter(started_at__gte=start, started_at__lt=end)

    def heard_between(self, start: datetime, end: datetime) -> Self:
        """Sessions whose last news lies in [start, end)."""
        return self.filter(last_activity_at__gte=start, last_activity_at__lt=end)

    def open(self, now: datetime) -> Self:
        """Sessions that are active or idle at `now`."""
        ended = Q(ended_at__isnull=False, ended_at__gte=F("last_activity_at"))
        return self.filter(last_activity_at__gt=now - IDLE_FOR).exclude(ended)

    def active(self, now: datetime) -> Self:
        """Sessions that are active at `now`, which idle ones are not."""
        return self.open(now).filter(last_activity_at__gte=now - ACTIVE_FOR)

    def closed(self, now: datetime) -> Self:
        """Sessions that ended, or of which nothing was heard for half an hour."""
        ended = Q(ended_at__isnull=False, ended_at__gte=F("last_activity_at"))
        return self.filter(Q(last_activity_at__lte=now - IDLE_FOR) | ended)

    def with_bodies(self, before: datetime) -> Self:
        """Sessions of which something from before may still have its body."""
        due = Q(bodies_kept_from=None) | Q(bodies_kept_from__lt=before)
        return self.filter(HAS_BODIES, due, started_at__lt=before)

    def standing_alone(self) -> Self:
        """Sessions that neither work on a known task nor belong to another session."""
        known_task = Task.objects.filter(id=OuterRef("task_id"))
        return self.filter(~Exists(known_task), parent__isnull=True)

    def with_subagents(self) -> SessionQuerySet:
        """These sessions and, level by level, their sub-agents, each of them once."""
        heads, params = self.order_by().values("pk").query.sql_with_params()
        text = DESCENT.format(heads=heads, table=Session._meta.db_table)
        return Session.objects.filter(pk__in=RawSQL(text, params))  # noqa: S611  (our own SQL)

    def matching(self, text: str) -> Self:
        """Sessions with `text`, in any case, in their key, user or title."""
        return self.filter(
            Q(key__icontains=text) | Q(user_id__icontains=text) | Q(title__icontains=text)
        )


class Session(models.Model):
    """A run of an agent's client, known by the id the client gave it.

    A session whose key is the id of its task stands in for one whose own id was never reported:
    it holds the tool calls of that task, and is not counted as a session.
    sessions.recording alone writes here.
    """

    key = models.CharField(max_length=MAX_KEY, unique=True)
    # Without a constraint: an agent may name its task before the task itself is reported.
    task = models.ForeignKey(
        Task, models.CASCADE, null=True, blank=True, related_name="sessions", db_constraint=False
    )
    parent = models.ForeignKey(
        "self", models.CASCADE, null=True, blank=True, related_name="subagents"
    )
    user_id = models.CharField(max_length=64, blank=True)
    agent = models.CharField(max_length=MAX_NAME, blank=True)
    model = models.CharField(max_length=MAX_NAME, blank=True)
    workspace = models.TextField(blank=True)
    host = models.CharField(max_length=255, blank=True)
    git_branch = models.CharField(max_length=255, blank=True)
    title = models.TextField(blank=True)
    started_at = models.DateTimeField()
    last_activity_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    end_reason = models.CharField(max_length=MAX_NAME, blank=True)
    source = models.CharField(max_length=64, blank=True)
    calls = models.BigIntegerField(default=0, help_text="Its tool calls, also those pruned since.")
    failures = models.BigIntegerField(default=0, help_text="Those of them that failed.")
    # What sessions.pruning deleted is not taken again when it is told again.
    calls_kept_from = models.DateTimeField(
        null=True, blank=True, help_text="Calls begun before are pruned, but for those with a row."
    )
    bodies_kept_from = models.DateTimeField(
        null=True, blank=True, help_text="Parameters, error texts and log lines before are pruned."
    )
    facts_at = models.JSONField(default=dict, blank=True, editable=False)

    objects = SessionQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["started_at"], name="session_between"),
            # The list, newest activity first.
            models.Index(fields=["last_activity_at"], name="session_heard_between"),
            # Those with bodies that may be pruned, the oldest first.
            models.Index(fields=["started_at"], condition=HAS_BODIES, name="session_has_bodies"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(last_activity_at__gte=F("started_at")),
                name="%(app_label)s_%(class)s_active_after_start",
            ),
            models.CheckConstraint(
                condition=~Q(key=""),
                name="%(app_label)s_%(class)s_has_key",
            ),
            models.CheckConstraint(
                condition=Q(failures__gte=0, calls__gte=F("failures")),
                name="%(app_label)s_%(class)s_failures_are_calls",
            ),
        ]

    def __str__(self) -> str:
        return self.key

    @property
    def has_ended(self) -> bool:
        """Whether its end was reported and nothing was heard after it."""
        return self.ended_at is not None and self.ended_at >= self.last_activity_at

    def has_pruned_call(self, started_at: datetime) -> bool:
        """Whether a call that began then, and has no row, is one that was pruned."""
        return self.calls_kept_from is not None and started_at < self.calls_kept_from

    def has_pruned_body(self, at: datetime) -> bool:
        """Whether what is told of a call begun then, or a line of that time, is not kept."""
        return self.bodies_kept_from is not None and at < self.bodies_kept_from

    @property
    def duration(self) -> timedelta:
        return self.last_activity_at - self.started_at

    def status(self, now: datetime) -> SessionStatus:
        """Active for 5 minutes after the last activity, idle for 30, completed from then on."""
        silence = now - self.last_activity_at
        if self.has_ended or silence >= IDLE_FOR:
            return SessionStatus.COMPLETED
        return SessionStatus.ACTIVE if silence <= ACTIVE_FOR else SessionStatus.IDLE
