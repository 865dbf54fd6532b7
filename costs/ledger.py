"""The only code that inserts, seals and prunes cost records.

The rollups hold exactly the records before the watermark `sealed_to`, those pruned since
included. A record at or after it is a bare insert; a late one also adds to its four cells, in
the same transaction. Sealing and pruning move the marks; no window ever changes its sum.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from decimal import Decimal

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper
from django.utils import timezone

from costs import cells
from costs.instants import floor_hour
from costs.models import CostRecord, LedgerState
from costs.usage import COLUMNS, Receipt, Row, Usage, prepare, stored_rows
from costs.watermark import Watermark, own_ledger, share_ledger, stored, watermark
from records.space import politely

TABLE = CostRecord._meta.db_table
INSERT = f"INSERT INTO {TABLE} ({', '.join(COLUMNS)}) VALUES ({', '.join(['%s'] * len(COLUMNS))})"
INSERT_ONCE = f"{INSERT} ON CONFLICT DO NOTHING"
CHUNK = 5_000


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
    rows = [prepare(usage, now, place) for place, usage in enumerate(usages)]
    with transaction.atomic(), connection.cursor() as cursor:
        share_ledger(cursor)
        sealed_to = watermark(cursor).sealed_to
        if all(row.source_id is None and row.timestamp >= sealed_to for row in rows):
            cursor.executemany(INSERT, stored_rows(rows, cursor))
            return [row.receipt() for row in rows]
        return _insert_with_care(cursor, rows, sealed_to)


def _insert_with_care(
    cursor: CursorWrapper, rows: Sequence[Row], sealed_to: datetime
) -> list[Receipt]:
    """Insert row by row, to know which were new, and add the late ones to the rollups.

    In the order of their keys, lest two batches with the same keys lock each other out.
    """
    receipts: dict[int, Receipt] = {}
    late = []
    order = [(row.source, row.source_id or "", place) for place, row in enumerate(rows)]
    for *_, place in sorted(order):
        receipts[place] = _insert_once(cursor, rows[place])
        if receipts[place].created and rows[place].timestamp < sealed_to:
            late.append(rows[place])
    cells.add(late)
    return [receipts[place] for place in range(len(rows))]


def _insert_once(cursor: CursorWrapper, row: Row) -> Receipt:
    """Insert `row` unless its key is known; again if the known one is pruned in between."""
    (values,) = stored_rows([row], cursor)
    while True:
        cursor.execute(INSERT_ONCE, values)
        if cursor.rowcount:
            return row.receipt()
        known = CostRecord.objects.filter(source=row.source, source_id=row.source_id).first()
        if known:
            return Receipt(known.cost_nano, known.priced_by, created=False)


def load(rows: Iterable[Row]) -> None:
    """Insert the rows of an import, none of them with a source_id, in bounded memory.

    To be called in a transaction that owns the ledger.
    """
    last_id = CostRecord.objects.order_by("-id").values_list("id", flat=True).first() or 0
    with connection.cursor() as cursor:
        for chunk in _chunks(rows):
            cursor.executemany(INSERT, stored_rows(chunk, cursor))
        sealed_to = watermark(cursor).sealed_to
    cells.fold("id > %s AND timestamp < %s", [last_id, stored(sealed_to)])


def _chunks(rows: Iterable[Row]) -> Iterator[list[Row]]:
    chunk = []
    for row in rows:
        chunk.append(row)
        if len(chunk) == CHUNK:
            yield chunk
            chunk = []
    yield chunk


def seal(to: datetime | None = None) -> bool:
    """Add the records before `to`, by default this hour's beginning, to the rollups.

    Answers whether the mark moved. Needs no schedule: unsealed windows are as right, only slower.
    """
    to = to or floor_hour(timezone.now())
    with transaction.atomic(), connection.cursor() as cursor:
        own_ledger(cursor)
        mark = watermark(cursor)
        if to <= mark.sealed_to:
            return False
        cells.fold("timestamp >= %s AND timestamp < %s", [stored(mark.sealed_to), stored(to)])
        _move(mark, sealed_to=to)
    return True


def _move(mark: Watermark, **marks: datetime) -> None:
    values = {"sealed_to": mark.sealed_to, "pruned_before": mark.pruned_before, **marks}
    LedgerState.objects.update_or_create(id=1, defaults=values)


def prune(before: datetime, *, batch: int = 1_000) -> Iterator[int]:
    """Delete the records before `before`, floored to its hour; the rollups keep their sums.

    Yields the number deleted after each batch, a transaction of its own, so that the caller
    can report and stop between any two. Writers wait for one batch at the most.
    """
    before = floor_hour(before)
    seal(before)
    with transaction.atomic(), connection.cursor() as cursor:
        own_ledger(cursor)
        mark = watermark(cursor)
        if before > mark.pruned_before:
            _move(mark, pruned_before=before)
    yield from politely(iter(lambda: _delete_batch(before, batch), 0))


def _delete_batch(before: datetime, batch: int) -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            f"DELETE FROM {TABLE} WHERE id IN (SELECT id FROM {TABLE}"
            " WHERE timestamp < %s ORDER BY timestamp LIMIT %s)",
            [stored(before), batch],
        )
        deleted: int = cursor.rowcount
        return deleted
