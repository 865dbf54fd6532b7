"""Whether the rollups agree with the records and with one another, and how to rebuild them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import connection, transaction

from costs import cells, spans
from costs.instants import ceil_hour, ceil_month, floor_day
from costs.models import (
    ROLLUPS,
    LedgerState,
    ModelHour,
    Rollup,
    TypeHour,
    UserDay,
    UserHour,
    UserModelMonth,
)
from costs.totals import SUMMED_FIELDS
from costs.watermark import Watermark, own_ledger, stored

WHOLE = (UserHour, TypeHour)  # besides ModelHour: each holds every record
CEILINGS = {"hour": ceil_hour, "month": ceil_month}
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

    Hours, and months of which nothing is pruned, are compared with the records; days and spans of
    sessions with the hours of all history, months with the days, and the models' hours with the
    users' and the types'. Each comparison is one statement, so writers may go on.
    """
    lost = not LedgerState.objects.exists() and ModelHour.objects.exists()
    checks = [Check("The marks stand where there is history", int(lost))]
    for rollup in ROLLUPS:
        name, hours = rollup.__name__, rollup.hours
        if hours:
            checks.append(Check(f"{name} equals {hours.__name__}", _days_off(hours, rollup)))
        else:
            checks.append(Check(f"{name} equals the records", _records_off(rollup)))
    checks.append(Check("SessionSpan equals SessionHour", _spans_off()))
    checks.append(Check("UserModelMonth equals UserDay in sum", _months_off()))
    for other in WHOLE:
        checks.append(Check(f"ModelHour equals {other.__name__} in sum", _sums_off(other)))
    return checks


def repair() -> None:
    """Rebuild hours and months from the records, as far back as these are kept; else from hours.

    Hours before `pruned_before` have no records behind them, nor have months that begin before it
    all of theirs: they stay as they are. Without the marks nothing tells which those are, and
    nothing is done.
    """
    if not LedgerState.objects.exists():
        return
    with transaction.atomic(), connection.cursor() as cursor:
        mark = own_ledger(cursor)
        for rollup in ROLLUPS:
            if rollup.hours:
                _rebuild_days(rollup.hours, rollup, floor_day(mark.pruned_before))
            else:
                _rebuild(rollup, mark)
        spans.rebuild()


def _rebuild(rollup: type[Rollup], mark: Watermark) -> None:
    first = CEILINGS[rollup.span](mark.pruned_before)
    rollup._default_manager.filter(start__gte=first).delete()
    span = [stored(first), stored(mark.sealed_to)]
    cells.fold_into(rollup, "timestamp >= %s AND timestamp < %s", span)


def _rebuild_days(hour: type[Rollup], day: type[Rollup], first: datetime) -> None:
    day._default_manager.filter(start__gte=first).delete()
    cells.fold_hours(hour, day, "start >= %s", [stored(first)])


def _records_off(rollup: type[Rollup]) -> int:
    pruned, identity = _mark("pruned_before"), cells.identity(rollup)
    kept = (
        f"timestamp >= {pruned} AND timestamp < {_mark('sealed_to')}"
        f" AND {cells.floored('timestamp', rollup.span)} >= {pruned}"
    )
    stored_cells = (
        f"SELECT {identity}, {FIELDS} FROM {rollup._meta.db_table} WHERE start >= {pruned}"
    )
    return _differing(identity, cells.grouped(rollup, kept), stored_cells)


def _days_off(hour: type[Rollup], day: type[Rollup]) -> int:
    identity = cells.identity(day)
    stored_cells = f"SELECT {identity}, {FIELDS} FROM {day._meta.db_table}"
    return _differing(identity, cells.summed(hour, "day"), stored_cells)


def _spans_off() -> int:
    stored_spans = f"SELECT {spans.COLUMNS} FROM {spans.TABLE}"
    return _differing("session_key", spans.summed(), stored_spans)


def _months_off() -> int:
    days, months = (cells.summed(rollup, "month") for rollup in (UserDay, UserModelMonth))
    return _differing("user_id, start", days, months)


def _sums_off(other: type[Rollup]) -> int:
    left, right = (
        f"SELECT start, {SUMS} FROM {hour._meta.db_table} GROUP BY start"
        for hour in (ModelHour, other)
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
