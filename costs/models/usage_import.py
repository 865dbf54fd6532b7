from __future__ import annotations

from django.db import models
from django.db.models import Q

from costs.models.record import MAX_SOURCE, MAX_USER_ID


class UsageImport(models.Model):
    """What one import of a usage.json did, and the totals that proved it."""

    created_at = models.DateTimeField(auto_now_add=True)
    file_name = models.CharField(max_length=255)
    source = models.CharField(max_length=MAX_SOURCE)
    sha256 = models.CharField(max_length=64)
    size = models.BigIntegerField(help_text="Bytes.")
    backup = models.CharField(max_length=500, blank=True)
    users = models.PositiveIntegerField()
    records_read = models.BigIntegerField()
    records_added = models.BigIntegerField()
    records_skipped = models.BigIntegerField(help_text="Taken over by an earlier import.")
    requests_carried_forward = models.BigIntegerField(help_text="No longer kept in the file.")
    requests_before = models.BigIntegerField()
    requests_after = models.BigIntegerField()
    cost_nano_before = models.BigIntegerField()
    cost_nano_after = models.BigIntegerField()
    report = models.JSONField(default=dict)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.file_name} {self.created_at:%Y-%m-%d %H:%M}"


class ImportedUsage(models.Model):
    """How far one user's part of a file was taken over: the mark where the next import goes on."""

    source = models.CharField(max_length=MAX_SOURCE)
    user_id = models.CharField(max_length=MAX_USER_ID)
    requests = models.BigIntegerField(help_text="The lifetime requests that the file stated.")
    cost_nano = models.BigIntegerField(help_text="The lifetime cost booked so far.")
    last_record = models.JSONField(null=True, help_text="The last record taken over.")

    class Meta:
        verbose_name_plural = "imported usage"
        constraints = [
            models.UniqueConstraint(
                fields=["source", "user_id"], name="costs_importedusage_source_user"
            ),
            models.CheckConstraint(
                name="costs_importedusage_counts", condition=Q(requests__gte=0, cost_nano__gte=0)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.source}: {self.user_id}"
