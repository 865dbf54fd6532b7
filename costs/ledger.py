"""The only code that inserts, seals and prunes cost records.

The rollups hold exactly the records before the watermark `sealed_to`, those pruned since
included. A record at or after it is a bare insert; a late one also adds to its cells, in
the same transaction. Sealing and pruning move the marks; no window ever changes its sum.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from itertools import chain, islice
from typing import Any

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper
from django.utils import timezone
from msgspec.structs import replace

from costs import cells
from costs.instants import floor_hour
from costs.models import CostRecord, LedgerState
from costs.partitions import claim, drop
from costs.usage import COLUMNS, Key, Receipt, Row, Usage, prepare, stored_rows
from costs.watermark import Watermark, own_ledger, share_ledger, stored, watermark
from records.copying import COPIED, insert
from records.space import politely

TABLE = CostRecord._meta.db_table
INTO = f"{TABLE} ({', '.join(COLUMNS)})"
VALUES = f"({', '.join(['%s'] * len(COLUMNS))})"
INSERT = f"INSERT INTO {INTO} VALUES"
CHUNK = 5_000
STATEMENT = 500  # rows, so that SQLite takes all their values in one statement


def record_usage(
    *,
    user_id: str,
    model: str,
    input_tokens: int,
    output_tokens: int,
    request_type: str = "chat",
    cost: Decimal | None = None,
    timestamp: datetime | None = None,
    session_key: str = "",
    source: str = "api",
    source_id: str | None = None,
    cache_read_tokens: int = 0,
    cache_write_5m_tokens: int = 0,
    cache_write_1h_tokens: int = 0,
    inference_geo: str = "",
    speed: str = "",
    web_searches: int = 0,
) -> Receipt:
    """Record one request, committed when this returns outside a transaction of the caller's.

    `cost` is in dollars; None prices the tokens by the table of costs.pricing, and a model
    without a price is kept with cost 0, marked unpriced. `timestamp` is aware, None means now.
    A `source_id` known to `source` already records nothing: the receipt is the first one's. It is
    known for as long as the record is kept (`manage.py prune_costs`).
    Raises InvalidUsage, a ValueError, naming the field that is wrong.
    """
    usage = Usage(**locals())
    return record_many([usage])[0]


def record_many(usages: Sequence[Usage]) -> list[Receipt]:
    """Record many requests in one transaction: all of them or, on InvalidUsage, none."""
    now = timezone.now()
    return book([prepare(usage, now, place) for place, usage in enumerate(usages)])


def book(rows: Sequence[Row]) -> list[Receipt]:
    """Insert rows that are checked and priced, in one transaction; keys as in record_usage."""
    plain = [row for row in rows if row.key is None]
    # Without a savepoint of its own: a caller's transaction is kept whole, or not at all.
    with transaction.atomic(savepoint=False), connection.cursor() as cursor:
        sealed_to = _insert(cursor, plain).sealed_to
        receipts = _receipts(rows, _insert_once(cursor, rows, sealed_to))
        both = zip(rows, receipts, strict=True)
        cells.add([row for row, told in both if told.created and row.timestamp < sealed_to])
    return receipts


def _insert(cursor: CursorWrapper, rows: Sequence[Row]) -> Watermark:
    """Insert rows without keys under the ledger's lock; the marks then."""
    if 0 < len(rows) < COPIED:
        return share_ledger(cursor, *_inserting(rows, cursor))
    mark = share_ledger(cursor)
    insert(cursor, INTO, stored_rows(rows, cursor))
    return mark


def _inserting(rows: Sequence[Row], cursor: CursorWrapper) -> tuple[str, list[Any]]:
    """One statement that inserts them all, and its values."""
    values = stored_rows(rows, cursor)
    return f"{INSERT} {', '.join([VALUES] * len(values))}", list(chain.from_iterable(values))


def _receipts(rows: Sequence[Row], by_key: dict[Key, Receipt]) -> list[Receipt]:
    """The receipt of each row; of rows with one key the first alone created the record."""
    receipts = []
    for row in rows:
        receipts.append(by_key[row.key] if row.key else row.receipt())
        if row.key:
            by_key[row.key] = replace(by_key[row.key], created=False)
    return receipts


def _insert_once(
    cursor: CursorWrapper, rows: Sequence[Row], sealed_to: datetime
) -> dict[Key, Receipt]:
    """Insert the rows whose keys are new; the receipt of each key.

    In the order of their keys, lest two batches with the same keys lock each other out. Where the
    records are in partitions, a key may be known in another one than its row would go to.
    """
    first = {row.key: row for row in reversed(rows) if row.key}
    receipts = _known(first) if claim(cursor, first, sealed_to) else {}
    for chunk in _chunks((first[key] for key in sorted(first.keys() - receipts)), STATEMENT):
        receipts |= _settle(cursor, {row.key: row for row in chunk if row.key})
    return receipts


def _settle(cursor: CursorWrapper, rows: dict[Key, Row]) -> dict[Key, Receipt]:
    """Insert the rows, or find what their keys stand for; anew where that is pruned in between.

    The database itself tells which were new: a look before the insert could miss what another
    transaction is about to commit.
    """
    receipts: dict[Key, Receipt] = {}
    while waiting := [row for key, row in rows.items() if key not in receipts]:
        sql, values = _inserting(waiting, cursor)
        cursor.execute(f"{sql} ON CONFLICT DO NOTHING RETURNING source, source_id", values)
        receipts |= {key: rows[key].receipt() for key in cursor.fetchall()}
        if len(receipts) < len(rows):
            receipts |= _known(key for key in rows if key not in receipts)
    return receipts


def _known(keys: Iterable[Key]) -> dict[Key, Receipt]:
    """The receipts of those keys that have a record."""
    ids = defaultdict(list)
    for source, source_id in keys:
        ids[source].append(source_id)
    fields = ("source", "source_id", "cost_nano", "priced_by")
    return {
        (source, source_id or ""): Receipt(cost_nano, priced_by, created=False)
        for name, wanted in ids.items()
        for source, source_id, cost_nano, priced_by in CostRecord.objects.filter(
            source=name, source_id__in=wanted
        ).values_list(*fields)
    }


def load(rows: Iterable[Row]) -> None:
    """Insert the rows of an import, none of them with a source_id, in bounded memory.

    To be called in a transaction that owns the ledger.
    """
    last_id = CostRecord.objects.order_by("-id").values_list("id", flat=True).first() or 0
    with connection.cursor() as cursor:
        for chunk in _chunks(rows, CHUNK):
            insert(cursor, INTO, stored_rows(chunk, cursor))
        sealed_to = watermark(cursor).sealed_to
    cells.fold("id > %s AND timestamp < %s", [last_id, stored(sealed_to)])


def _chunks(rows: Iterable[Row], size: int) -> Iterator[list[Row]]:
    rest = iter(rows)
    while chunk := list(islice(rest, size)):
        yield chunk


def seal(to: datetime | None = None) -> bool:
    """Add the records before `to`, by default this hour's beginning, to the rollups.

    Answers whether the mark moved. Needs no schedule: unsealed windows are as right, only slower.
    """
    to = to or floor_hour(timezone.now())
    with transaction.atomic(), connection.cursor() as cursor:
        mark = own_ledger(cursor)
        if to <= mark.sealed_to:
            return False
        cells.fold_span(mark.sealed_to, to)
        _move(mark, sealed_to=to)
    return True


def _move(mark: Watermark, **marks: datetime) -> None:
    values = {"sealed_to": mark.sealed_to, "pruned_before": mark.pruned_before, **marks}
    LedgerState.objects.update_or_create(id=1, defaults=values)


def prune(before: datetime, *, batch: int = 1_000) -> Iterator[int]:
    """Delete the records before `before`, floored to its hour; the rollups keep their sums.

    Yields the number deleted after each batch, a transaction of its own, so that the caller
    can report and stop between any two. Writers wait for one batch at the most. Whole months go
    at once where the records are in partitions.
    """
    before = floor_hour(before)
    seal(before)
    with transaction.atomic(), connection.cursor() as cursor:
        mark = own_ledger(cursor)
        if before > mark.pruned_before:
            _move(mark, pruned_before=before)
    yield from drop(before)
    yield from politely(iter(lambda: _delete_batch(before, batch), 0))


def _delete_batch(before: datetime, batch: int) -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            # The time twice: so no partition of a later month is looked into.
            f"DELETE FROM {TABLE} WHERE timestamp < %s AND id IN (SELECT id FROM {TABLE}"
            " WHERE timestamp < %s ORDER BY timestamp LIMIT %s)",
            [stored(before), stored(before), batch],
        )
        deleted: int = cursor.rowcount
        return deleted
