from __future__ import annotations

from django.db import models

from sessions.models.session import Session

MAX_EVENT = 64
MAX_EVENT_ID = 64


class SessionActivity(models.Model):
    """One line of a session's log: what its client told that is no tool call. Append-only.

    sessions.recording alone writes here.
    """

    session = models.ForeignKey(Session, models.CASCADE, related_name="activity")
    time = models.DateTimeField()
    event = models.CharField(max_length=MAX_EVENT, help_text="As the client calls it.")
    message = models.TextField(blank=True)
    metadata = models.JSONField(default=dict, blank=True)
    event_id = models.CharField(
        max_length=MAX_EVENT_ID, help_text="The same event twice is one row."
    )

    class Meta:
        verbose_name_plural = "session activity"
        indexes = [models.Index(fields=["session", "time"], name="session_activity_log")]
        constraints = [
            models.UniqueConstraint(
                fields=["session", "event_id"], name="%(app_label)s_%(class)s_once_a_session"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.event} in {self.session_id}"
