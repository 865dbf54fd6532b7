"""What must be equal in both databases: counts, sums, and every figure that a page shows."""

# ruff: noqa: S608  (identifiers come from the models)

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper

from costs import audit, windows
from monitor.overview import overview
from monitor.periods import RANGES, Period
from monitor.transfer.refusal import Refused
from monitor.transfer.source import as_default
from monitor.transfer.tables import Row, Table, columns, name, one, quoted
from sessions import statistics


def sums(connection: BaseDatabaseWrapper, table: Table) -> Row:
    """The count of rows, then the sum of each column that holds money, tokens or another count."""
    counted = [
        field
        for field in columns(table)
        if isinstance(field, models.IntegerField) and not field.primary_key
    ]
    wanted = "".join(f", sum({name(connection, field)})" for field in counted)
    row = one(connection, f"SELECT count(*){wanted} FROM {quoted(connection, table)}")
    return tuple(None if value is None else int(value) for value in row)


def prove_table(source: BaseDatabaseWrapper, target: BaseDatabaseWrapper, table: Table) -> int:
    """The number of rows in both. Raises Refused where they or the sums differ."""
    there, here = sums(source, table), sums(target, table)
    if there != here:
        raise Refused(f"{table._meta.db_table}: read {there}, wrote {here}; nothing was kept.")
    return int(here[0])


def prove_figures(source: BaseDatabaseWrapper, target: BaseDatabaseWrapper, now: datetime) -> int:
    """How many figures are equal. Raises Refused where one is not, or the ledger unsound."""
    with as_default(source):
        there = dict(figures(now))
    with as_default(target):
        here = dict(figures(now))
        wrong = [check.rule for check in audit.check() if check.wrong]
    if wrong:
        raise Refused(f"The ledger is wrong: {wrong[0]}. Run check_ledger on the source first.")
    for figure, value in there.items():
        if here[figure] != value:
            raise Refused(f"{figure}: {value} there, {here[figure]} here; nothing was kept.")
    return len(here)


def figures(now: datetime) -> Iterator[tuple[str, Any]]:
    """What the default database answers, by what it is and of when."""
    for text in RANGES:
        period = Period.parse(text, now)
        span = period.start, period.end
        yield f"overview ({text})", overview(period)
        yield f"costs ({text})", windows.totals(*span)
        yield f"costs by model ({text})", windows.by_model(*span)
        yield f"costs by user ({text})", windows.by_user(*span)
        yield f"tools ({text})", statistics.tools(*span)
