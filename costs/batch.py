"""Many requests as they come over the wire: those that are valid are booked, the others told."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.utils import timezone
from msgspec import Raw
from msgspec.structs import replace

from costs import ledger
from costs.usage import InvalidUsage, Receipt, Row, Usage, decode, prepare


def keyed(usage: Usage, key: str | None) -> Usage:
    """`usage` with `key` for a source_id, unless it has one of its own."""
    return replace(usage, source_id=key) if key and usage.source_id is None else usage


def book_valid(records: Sequence[Raw], key: str | None = None) -> list[Receipt | InvalidUsage]:
    """Book all valid records, JSON objects, in one transaction; what became of each, in order.

    With a `key` each record without a source_id gets one of it and its index.
    """
    now = timezone.now()
    rows = [
        _row(record, key and f"{key}#{place}", now, place) for place, record in enumerate(records)
    ]
    receipts = iter(ledger.book([row for row in rows if isinstance(row, Row)]))
    return [next(receipts) if isinstance(row, Row) else row for row in rows]


def _row(record: Raw, key: str | None, now: datetime, place: int) -> Row | InvalidUsage:
    try:
        return prepare(keyed(decode(record, place), key), now, place)
    except InvalidUsage as fault:
        return fault
