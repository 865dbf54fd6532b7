"""The ledger's two marks, and how to read and lock around them on both databases."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from django.db import connection
from django.db.backends.utils import CursorWrapper

from costs.instants import EPOCH
from costs.models import LedgerState
from records import fields

Answer = TypeVar("Answer")

MARKS = f"SELECT sealed_to, pruned_before FROM {LedgerState._meta.db_table}"
# An arbitrary number that names the ledger among PostgreSQL's advisory locks.
LEDGER_LOCK = 0x1ED6E12


@dataclass(frozen=True, slots=True)
class Watermark:
    """See LedgerState; both are EPOCH where nothing was sealed or pruned yet."""

    sealed_to: datetime = EPOCH
    pruned_before: datetime = EPOCH


def watermark(cursor: CursorWrapper) -> Watermark:
    """The marks as committed now. Without the ORM: every window and every insert asks."""
    cursor.execute(MARKS)
    return _fetched(cursor)


def _fetched(cursor: CursorWrapper) -> Watermark:
    row = cursor.fetchone()
    return Watermark(*map(fields.fetched, row)) if row else Watermark()


def consistently(read: Callable[[CursorWrapper, Watermark], Answer]) -> Answer:
    """The answer of `read`, a single statement, given the marks under which it ran.

    The marks only ever move forward, so equal marks before and after mean that the statement
    between them saw the same: no lock, and no transaction that would block SQLite's writers.
    """
    with connection.cursor() as cursor:
        mark = watermark(cursor)
        while True:
            answer = read(cursor, mark)
            if (now := watermark(cursor)) == mark:
                return answer
            mark = now


def share_ledger(cursor: CursorWrapper, then: str = "", values: Sequence[Any] = ()) -> Watermark:
    """Keep seals out until the transaction ends; other inserts run beside it. Answers the marks.

    `then` is done under the lock, with its `values`: on PostgreSQL in the same message, which saves
    a single insert a round trip. SQLite has a single writer, so its write transaction is lock
    enough.
    """
    return _locked(cursor, "pg_advisory_xact_lock_shared", then, values)


def own_ledger(cursor: CursorWrapper) -> Watermark:
    """Keep every other writer of the ledger out until the transaction ends. Answers the marks."""
    return _locked(cursor, "pg_advisory_xact_lock")


def lock_ledger(cursor: CursorWrapper) -> None:
    """As own_ledger, without its answer: for migrations, to which the marks may be of another form.

    SQLite has a single writer anyway.
    """
    if cursor.db.vendor == "postgresql":
        cursor.execute(f"SELECT pg_advisory_xact_lock({LEDGER_LOCK})")


def _locked(
    cursor: CursorWrapper, function: str, then: str = "", values: Sequence[Any] = ()
) -> Watermark:
    """The marks under the lock: statements of their own in one message, since the snapshot of a
    single one would be older than the lock it waits for."""
    if cursor.db.vendor == "postgresql":
        cursor.execute(f"SELECT {function}({LEDGER_LOCK}); {MARKS}; {then}", values)
        cursor.nextset()
        return _fetched(cursor)
    mark = watermark(cursor)
    if then:
        cursor.execute(then, values)
    return mark


def stored(instant: datetime) -> Any:
    """`instant` in the form in which the database holds it, for statements by cursor."""
    return fields.stored(instant, connection)
