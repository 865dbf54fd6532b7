"""Inserting through the ledger, rollups kept, against bare inserts of the same rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from django.db import connections, transaction
from django.utils import timezone

from costs import ledger
from costs.instants import HOUR, ceil_hour
from costs.usage import Usage, prepare, stored_rows
from tests.benchmarks import ledgers
from tests.benchmarks.data import usages
from tests.benchmarks.place import is_postgres, new_database, open_beside, open_database
from tests.benchmarks.timing import at_most, duration, interleaved, show

# The aliases of two more databases, so that no way of inserting finds its own still at hand.
WITHOUT_ROLLUPS = CHECKED, BARE = "checked", "bare"
SINGLES, BATCHES, SEALED_BATCHES = 500, 40, 15
MOST = 1_000_000  # three copies of more would take long
SQLITE_AIMS, POSTGRES_AIMS, COPY_AIM = (1.2, 1.7), (1.4, 1.4), 1.2

INSERT = f"{ledger.INSERT} {ledger.VALUES}"
Batch = Sequence[Usage]
Rows = Sequence[tuple[Any, ...]]


def compare(present: int) -> None:
    """Print the table, for three equal, sealed databases that hold `present` records, or less."""
    present = min(present, MOST)
    name = ledgers.sized(present)
    open_database(new_database("inserting", like=name))
    for alias in WITHOUT_ROLLUPS:
        open_beside(alias, new_database(alias, like=name))
    single_aim, batch_aim = POSTGRES_AIMS if is_postgres() else SQLITE_AIMS
    clock = _Hours()
    rows = [
        _compared("1, priced", clock.batches(SINGLES, 1), _record_one, single_aim),
        _compared("1,000", clock.batches(BATCHES, 1_000), ledger.record_many, batch_aim),
        _compared("5,000", clock.batches(BATCHES // 2, 5_000), ledger.record_many, batch_aim),
        _compared(
            "5,000, then sealed", clock.batches(SEALED_BATCHES, 5_000), _record_and_seal, batch_aim
        ),
    ]
    if is_postgres():
        by_copy = clock.batches(BATCHES // 2, 5_000)
        rows.append(_compared("5,000 by COPY", by_copy, ledger.record_many, COPY_AIM, _copy))
    show(
        "Insert with rollups against bare insert",
        f"Time for one row, beside {present:,} records, with all indexes and constraints, one"
        " transaction each, synchronous=FULL. Ledger: record_usage (1) or record_many (more) check,"
        " price, read the marks and insert. Checked: the same rows checked and priced, then one"
        " INSERT or one executemany (by COPY: one COPY) in atomic() into the same table of an equal"
        " database without rollups. Bare: the same, of rows made beforehand. Run in turn; medians.",
        ["rows", "ledger", "checked", "bare", "to checked", "aim", "to bare", "aim"],
        rows,
    )


class _Hours:
    """Batches of usage, each within an hour of its own, from the next hour on."""

    def __init__(self) -> None:
        self.hour: datetime = ceil_hour(timezone.now())
        self.seed = 0

    def batches(self, count: int, size: int) -> list[Batch]:
        """One batch more than `count`, since the first run does not count."""
        return [self._batch(size) for _ in range(count + 1)]

    def _batch(self, size: int) -> Batch:
        self.hour += HOUR
        self.seed += 1
        return usages(size, self.hour, HOUR, self.seed)


def _record_one(batch: Batch) -> None:
    ledger.record_usage(**{name: getattr(batch[0], name) for name in Usage.__struct_fields__})


def _record_and_seal(batch: Batch) -> None:
    ledger.record_many(batch)
    ledger.seal(ceil_hour(batch[-1].timestamp or timezone.now()))


def _insert(alias: str, rows: Rows) -> None:
    with transaction.atomic(using=alias), connections[alias].cursor() as cursor:
        if len(rows) == 1:
            cursor.execute(INSERT, rows[0])
        else:
            cursor.executemany(INSERT, rows)


def _copy(alias: str, rows: Rows) -> None:
    copied, database = f"COPY {ledger.INTO} FROM STDIN", connections[alias]
    with (
        transaction.atomic(using=alias),
        database.cursor() as cursor,
        cursor.copy(copied) as copy,
    ):
        for row in rows:
            copy.write_row(row)


def _stored(batch: Batch) -> Rows:
    """What the ledger stores for `batch`: its columns, checked and priced."""
    now = timezone.now()
    return stored_rows([prepare(usage, now) for usage in batch], connections[BARE].cursor())


def _compared(
    name: str,
    batches: list[Batch],
    record: Callable[[Batch], object],
    aim: float,
    insert: Callable[[str, Rows], None] = _insert,
) -> list[str]:
    first, second, made = iter(batches), iter(batches), iter([_stored(batch) for batch in batches])
    times = interleaved(
        [
            lambda: record(next(first)),
            lambda: insert(CHECKED, _stored(next(second))),
            lambda: insert(BARE, next(made)),
        ],
        len(batches) - 1,
    )
    new, checked, bare = (time / len(batches[0]) for time in times)
    return [
        name,
        duration(new),
        duration(checked),
        duration(bare),
        f"{new / checked:.2f}x",
        at_most(new / checked, aim),
        f"{new / bare:.2f}x",
        at_most(new / bare, aim),
    ]
