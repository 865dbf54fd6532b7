from __future__ import annotations

from django.db import models

from sessions.models.session import Session


class HookLog(models.Model):
    """How far a hook log has been read, so that only what it grew by is read again."""

    session = models.ForeignKey(Session, models.CASCADE, related_name="hook_logs")
    name = models.CharField(max_length=64, help_text="Of the file in the session's folder.")
    offset = models.BigIntegerField(help_text="Bytes read; the next line begins here.")
    lines = models.BigIntegerField(help_text="Lines read.")
    head = models.CharField(
        max_length=32, help_text="Digest of the bytes read: a grown file begins with them."
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["session", "name"], name="%(app_label)s_%(class)s_once_a_session"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.session_id}/{self.name}"
