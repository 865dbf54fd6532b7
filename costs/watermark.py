"""The ledger's two marks, and how to read and lock around them on both databases."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from django.db import connection

from costs.instants import EPOCH
from costs.models import LedgerState

Answer = TypeVar("Answer")

# An arbitrary number that names the ledger among PostgreSQL's advisory locks.
LEDGER_LOCK = 0x1ED6E12


@dataclass(frozen=True, slots=True)
class Watermark:
    """See LedgerState; both are EPOCH where nothing was sealed or pruned yet."""

    sealed_to: datetime = EPOCH
    pruned_before: datetime = EPOCH


def watermark() -> Watermark:
    """The marks as committed now."""
    row = LedgerState.objects.values_list("sealed_to", "pruned_before").first()
    return Watermark(*row) if row else Watermark()


def consistently(read: Callable[[Watermark], Answer]) -> Answer:
    """The answer of `read`, a single statement, given the marks under which it ran.

    The marks only ever move forward, so equal marks before and after mean that the statement
    between them saw the same: no lock, and no transaction that would block SQLite's writers.
    """
    mark = watermark()
    while True:
        answer = read(mark)
        if (now := watermark()) == mark:
            return answer
        mark = now


def share_ledger() -> None:
    """Keep seals out until the transaction ends; other inserts run beside it.

    To be called before the marks are read: a statement's snapshot is older than a lock it
    waits for. SQLite has a single writer, so its write transaction is lock enough.
    """
    _lock("pg_advisory_xact_lock_shared")


def own_ledger() -> None:
    """Keep every other writer of the ledger out until the transaction ends."""
    _lock("pg_advisory_xact_lock")


def _lock(function: str) -> None:
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT {function}(%s)", [LEDGER_LOCK])


def stored(instant: datetime) -> Any:
    """`instant` in the form in which the database holds it, for statements by cursor."""
    return connection.ops.adapt_datetimefield_value(instant)
