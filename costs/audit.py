"""Whether the rollups agree with the records and with one another, and how to rebuild them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import connection, transaction

from costs import cells
from costs.instants import floor_day
from costs.models import LedgerState, ModelDay, ModelHour, Rollup, UserDay, UserHour
from costs.totals import SUMMED_FIELDS
from costs.watermark import own_ledger, stored, watermark

PAIRS: tuple[tuple[type[Rollup], type[Rollup]], ...] = ((ModelHour, ModelDay), (UserHour, UserDay))
SUMS = ", ".join(f"sum({field})" for field in SUMMED_FIELDS)
FIELDS = ", ".join(SUMMED_FIELDS)
STATE = LedgerState._meta.db_table


@dataclass(frozen=True, slots=True)
class Check:
    """One rule of the ledger and the number of cells that break it."""

    rule: str
    wrong: int


def check() -> list[Check]:
    """Every rule with its count of wrong cells; all 0 in a sound ledger.

    Hours are compared with the records not yet pruned, days with the hours of all history, and
    the models' hours with the users'. Each comparison is one statement, so writers may go on.
    """
    lost = not LedgerState.objects.exists() and ModelHour.objects.exists()
    checks = [Check("The marks stand where there is history", int(lost))]
    for hour, day in PAIRS:
        checks.append(Check(f"{hour.__name__} equals the records", _hours_off(hour)))
        checks.append(Check(f"{day.__name__} equals {hour.__name__}", _days_off(hour, day)))
    checks.append(Check("ModelHour equals UserHour in sum", _pairs_off()))
    return checks


def repair() -> None:
    """Rebuild the hours from the records as far back as these are kept, and the days from them.

    Hours before `pruned_before` have no records behind them and stay as they are; without the
    marks nothing tells which those are, and nothing is done.
    """
    if not LedgerState.objects.exists():
        return
    with transaction.atomic(), connection.cursor() as cursor:
        own_ledger(cursor)
        mark = watermark(cursor)
        span = [stored(mark.pruned_before), stored(mark.sealed_to)]
        for hour, day in PAIRS:
            hour._default_manager.filter(start__gte=mark.pruned_before).delete()
            cells.fold("timestamp >= %s AND timestamp < %s", span, (hour,))
            first = floor_day(mark.pruned_before)
            day._default_manager.filter(start__gte=first).delete()
            _days_from_hours(hour, day, first)


def _hours_off(hour: type[Rollup]) -> int:
    kept = f"timestamp >= {_mark('pruned_before')} AND timestamp < {_mark('sealed_to')}"
    stored_cells = (
        f"SELECT {hour.key}, start, {FIELDS} FROM {hour._meta.db_table}"
        f" WHERE start >= {_mark('pruned_before')}"
    )
    return _differing(f"{hour.key}, start", cells.grouped(hour, kept), stored_cells)


def _days_off(hour: type[Rollup], day: type[Rollup]) -> int:
    stored_cells = f"SELECT {day.key}, start, {FIELDS} FROM {day._meta.db_table}"
    return _differing(f"{day.key}, start", _days_of(hour), stored_cells)


def _pairs_off() -> int:
    left, right = (
        f"SELECT start, {SUMS} FROM {hour._meta.db_table} GROUP BY start" for hour, _ in PAIRS
    )
    return _differing("start", left, right)


def _mark(name: str) -> str:
    return f"(SELECT {name} FROM {STATE})"


def _differing(identity: str, left: str, right: str) -> int:
    """The number of cells, told apart by the columns `identity`, that the two queries differ in."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT count(*) FROM (SELECT DISTINCT {identity} FROM ("
            f"SELECT * FROM (SELECT * FROM ({left}) AS a EXCEPT SELECT * FROM ({right}) AS b) AS c"
            " UNION ALL "
            f"SELECT * FROM (SELECT * FROM ({right}) AS d EXCEPT SELECT * FROM ({left}) AS e) AS f"
            ") AS g) AS h"
        )
        count: int = cursor.fetchone()[0]
        return count


def _days_from_hours(hour: type[Rollup], day: type[Rollup], first: datetime) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {day._meta.db_table} ({day.key}, start, {FIELDS})"
            f" {_days_of(hour, 'WHERE start >= %s')}",
            [stored(first)],
        )


def _days_of(hour: type[Rollup], where: str = "") -> str:
    return (
        f"SELECT {hour.key}, {cells.floored('start', 'day')} AS start, {SUMS}"
        f" FROM {hour._meta.db_table} {where} GROUP BY 1, 2"
    )
