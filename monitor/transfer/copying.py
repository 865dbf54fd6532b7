"""The copy itself: into a database without records, all of it or nothing, and proven."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass

from django.apps import apps
from django.db import transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.recorder import MigrationRecorder
from django.utils import timezone

from monitor.transfer.proof import prove_figures, prove_table
from monitor.transfer.refusal import Refused
from monitor.transfer.tables import Row, Table, count, count_on, quoted, read, tables, write
from records.cures import is_own

Watch = Callable[[Iterable[Row], Table, int], Iterable[Row]]


@dataclass(frozen=True)
class Report:
    rows: dict[str, int]  # by table
    figures: int


def copy(source: BaseDatabaseWrapper, target: BaseDatabaseWrapper, watch: Watch) -> Report:
    """Copy every table and prove it, in one transaction; `watch` sees the rows pass.

    The source is read as it is at the beginning, though others write to it. Raises Refused.
    """
    refuse_other_schema(source, target)
    with ExitStack() as stack:
        stack.enter_context(transaction.atomic(source.alias))
        stack.enter_context(transaction.atomic(target.alias))
        hold_still(source)
        refuse_records(target)
        for table in tables():
            write(target, table, watch(read(source, table), table, count(source, table)))
        count_on(target, tables())
        rows = {table._meta.db_table: prove_table(source, target, table) for table in tables()}
        return Report(rows, prove_figures(source, target, timezone.now()))


def hold_still(source: BaseDatabaseWrapper) -> None:
    """One state for all that is read in the transaction, as SQLite has it anyway.

    The tables stay what they are, too: rows of that state are not seen where they were moved to.
    """
    if source.vendor == "postgresql":
        names = ", ".join(quoted(source, table) for table in tables())
        with source.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            cursor.execute(f"LOCK TABLE {names} IN ACCESS SHARE MODE")


def refuse_other_schema(source: BaseDatabaseWrapper, target: BaseDatabaseWrapper) -> None:
    if schema(source) != schema(target):
        raise Refused(
            "The database that --from names is of another version: migrate it first, with"
            " DATABASE_URL naming it (manage.py migrate)."
        )


def schema(connection: BaseDatabaseWrapper) -> set[tuple[str, str]]:
    """The migrations of this project that were applied."""
    own = {app.label for app in apps.get_app_configs() if is_own(app)}
    applied = MigrationRecorder(connection).applied_migrations()
    return {(label, name) for label, name in applied if label in own}


def refuse_records(target: BaseDatabaseWrapper) -> None:
    for table in tables():
        if found := count(target, table):
            raise Refused(
                f"The database of DATABASE_URL holds records already: {found:,} in"
                f" {table._meta.db_table}. Copy into an empty one."
            )
