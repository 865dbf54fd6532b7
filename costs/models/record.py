from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from functools import reduce
from operator import or_

from django.db import models
from django.db.models import F, Q, Value
from django.db.models.functions import Concat
from django.db.models.lookups import Exact

from costs.instants import EPOCH
from costs.money import MAX_COST, NANO, from_nano
from costs.totals import CACHE_FIELDS, TOKEN_FIELDS
from records.fields import InstantField

MAX_TOKENS = 10**12
"""The largest count of one record: far above any real one, exact in every reader of JSON, and so
small that no sum over millions of hostile rows overflows 64 bits (docs/adr/0007)."""

MAX_USER_ID = 64
MAX_MODEL = 100
MAX_REQUEST_TYPE = 32
MAX_SESSION_KEY = 200
MAX_SOURCE = 64
MAX_SOURCE_ID = 200


class CostRecordQuerySet(models.QuerySet["CostRecord"]):
    def between(self, start: datetime, end: datetime) -> CostRecordQuerySet:
        """Records of [start, end)."""
        return self.filter(timestamp__gte=start, timestamp__lt=end)

    def before(self, end: datetime) -> CostRecordQuerySet:
        return self.filter(timestamp__lt=end)

    def compared(self, only: Mapping[str, str]) -> CostRecordQuerySet:
        """Records that are as `only` says, for which no index of its columns is looked into."""
        bare = (Exact(Concat(F(column), Value("")), value) for column, value in only.items())
        return self.filter(*bare)

    def unpriced(self) -> CostRecordQuerySet:
        """Records whose model had no price and whose sender gave no cost."""
        return self.filter(priced_by="")

    def cached(self) -> CostRecordQuerySet:
        """Records with tokens of the cache, read or written."""
        return self.filter(reduce(or_, (Q(**{f"{field}__gt": 0}) for field in CACHE_FIELDS)))


def _within(field: str, low: int, high: int) -> models.CheckConstraint:
    return models.CheckConstraint(
        name=f"costs_record_{field}_range",
        condition=Q(**{f"{field}__gte": low, f"{field}__lte": high}),
    )


class CostRecord(models.Model):
    """One request to a model and what it cost. Append-only: costs.ledger alone writes here."""

    timestamp = InstantField()
    user_id = models.CharField(max_length=MAX_USER_ID)
    model = models.CharField(max_length=MAX_MODEL, blank=True)
    request_type = models.CharField(max_length=MAX_REQUEST_TYPE, default="chat")
    input_tokens = models.BigIntegerField(default=0)
    output_tokens = models.BigIntegerField(default=0)
    cache_read_tokens = models.BigIntegerField(default=0)
    cache_write_5m_tokens = models.BigIntegerField(default=0)
    cache_write_1h_tokens = models.BigIntegerField(default=0)
    cost_nano = models.BigIntegerField()
    requests = models.BigIntegerField(
        default=1, help_text="1, but for a row that carries older requests forward."
    )
    session_key = models.CharField(max_length=MAX_SESSION_KEY, blank=True)
    source = models.CharField(max_length=MAX_SOURCE)
    source_id = models.CharField(max_length=MAX_SOURCE_ID, null=True, blank=True)
    priced_by = models.CharField(
        max_length=120,
        blank=True,
        help_text="The price row used, “given” for a cost that came along, blank for no price.",
    )

    objects = CostRecordQuerySet.as_manager()

    class Meta:
        indexes = [
            # The raw edges of every window, and the rows that a seal or a prune takes: an hour or
            # two that lie side by side, so the sums need not stand in the index.
            models.Index(fields=["timestamp"], name="costs_record_time"),
            # The raw edges of one user's windows: limits and statistics.
            models.Index(fields=["user_id", "timestamp"], name="costs_record_user"),
            # What one session cost.
            models.Index(
                fields=["session_key"], condition=~Q(session_key=""), name="costs_record_session"
            ),
            # The line that names the models without a price.
            models.Index(
                fields=["timestamp", "model"],
                condition=Q(priced_by=""),
                name="costs_record_unpriced",
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["source", "source_id"],
                condition=Q(source_id__isnull=False),
                name="costs_record_idempotency_key",
            ),
            *(_within(field, 0, MAX_TOKENS) for field in TOKEN_FIELDS),
            _within("cost_nano", 0, int(MAX_COST) * NANO),
            _within("requests", 0, MAX_TOKENS),
            models.CheckConstraint(name="costs_record_has_user", condition=~Q(user_id="")),
            models.CheckConstraint(
                name="costs_record_after_epoch", condition=Q(timestamp__gte=EPOCH)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} {self.model or 'no model'} {self.timestamp:%Y-%m-%d %H:%M:%S}"

    @property
    def cost(self) -> Decimal:
        """Dollars."""
        return from_nano(self.cost_nano)
