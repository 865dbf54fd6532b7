from __future__ import annotations

import hashlib
import secrets
from collections.abc import Container
from datetime import datetime
from typing import Self

from django.db import models
from django.db.models import Q

SCOPES = ("read", "write")
SHOWN = 8  # characters of a secret by which people know it


def digest(secret: str) -> str:
    """What is kept of a secret: a fast hash will do for 256 random bits."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


class ApiKeyQuerySet(models.QuerySet["ApiKey"]):
    def usable(self, now: datetime) -> Self:
        """Keys neither revoked nor expired at `now`."""
        alive = Q(expires_at__isnull=True) | Q(expires_at__gt=now)
        return self.filter(alive, revoked_at__isnull=True)

    def presented(self, secret: str, now: datetime) -> ApiKey | None:
        """The usable key with that secret; None where there is none."""
        return self.usable(now).filter(digest=digest(secret)).first()

    def note_use(self, pk: int, at: datetime) -> None:
        """A later use that another server noted before stays."""
        self.filter(pk=pk).exclude(last_used_at__gt=at).update(last_used_at=at)


class ApiKey(models.Model):
    """What a program shows to use the API. Its secret is told once, and only its hash is kept."""

    name = models.CharField(max_length=100, help_text="Who or what uses it.")
    prefix = models.CharField(max_length=SHOWN, help_text="The first characters of its secret.")
    digest = models.CharField(max_length=64, unique=True, help_text="SHA-256 of its secret.")
    can_read = models.BooleanField(default=False)
    can_write = models.BooleanField(default=False)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)

    objects = ApiKeyQuerySet.as_manager()

    class Meta:
        verbose_name = "API key"
        constraints = [
            models.CheckConstraint(
                condition=Q(can_read=True) | Q(can_write=True),
                name="%(app_label)s_%(class)s_has_scope",
            ),
            models.CheckConstraint(condition=~Q(name=""), name="%(app_label)s_%(class)s_has_name"),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"

    @property
    def scopes(self) -> list[str]:
        return [scope for scope in SCOPES if self.allows(scope)]

    def allows(self, scope: str) -> bool:
        return {"read": self.can_read, "write": self.can_write}[scope]

    def grant(self, scopes: Container[str]) -> None:
        """These of SCOPES and no other, until it is saved."""
        self.can_read, self.can_write = ("read" in scopes, "write" in scopes)

    def state(self, now: datetime) -> str:
        if self.revoked_at:
            return "revoked"
        return "expired" if self.expires_at and self.expires_at <= now else "usable"

    def give_secret(self) -> str:
        """A new secret for this key, which is not saved here; the only time that it is seen."""
        secret = secrets.token_urlsafe(32)
        self.prefix, self.digest = secret[:SHOWN], digest(secret)
        return secret

    def revoke(self, now: datetime) -> None:
        """From `now` on it opens nothing; the first time counts, whoever else revoked it."""
        type(self).objects.filter(pk=self.pk, revoked_at=None).update(revoked_at=now)
        self.refresh_from_db(fields=["revoked_at"])
