"""The tables that are copied, read and written in rows as either kind of database spells them."""

# ruff: noqa: S608  (identifiers come from the models)

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

from django.apps import apps
from django.contrib.auth.models import User
from django.core.management.color import no_style
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Field

from records.copying import insert
from records.cures import is_own
from records.fields import InstantField
from records.instants import from_micros

Table = type[models.Model]
Row = tuple[Any, ...]
BATCH = 2_000

TIME = "YYYY-MM-DD HH24:MI:SS.US"
# How a column is read so that either kind of database takes the value as it comes; but instants
# are read as microseconds, which PostgreSQL does not take.
SPELLED = {
    "sqlite": dict.fromkeys(("DateTimeField", "DateField", "BooleanField"), "CAST({} AS TEXT)"),
    "postgresql": {
        "InstantField": "CAST(extract(epoch FROM {}) * 1000000 AS BIGINT)",
        "DateTimeField": f"replace(to_char({{}} AT TIME ZONE 'UTC', '{TIME}'), '.000000', '')",
        "DateField": "CAST({} AS TEXT)",
        "BooleanField": "CAST(CAST({} AS INTEGER) AS TEXT)",
        "JSONField": "CAST({} AS TEXT)",
    },
}


def tables() -> list[Table]:
    """Those of this project's apps, and the people who sign in; no table of Django's beside."""
    own = filter(is_own, apps.get_app_configs())
    found = [model for app in own for model in app.get_models(include_auto_created=True)]
    return [User, *(model for model in found if model._meta.managed)]


def columns(table: Table) -> list[Field[Any, Any]]:
    return list(table._meta.local_concrete_fields)


def count(connection: BaseDatabaseWrapper, table: Table) -> int:
    return int(one(connection, f"SELECT count(*) FROM {quoted(connection, table)}")[0])


def one(connection: BaseDatabaseWrapper, sql: str) -> Row:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        row: Row = cursor.fetchone()
        return row


def read(source: BaseDatabaseWrapper, table: Table) -> Iterator[Row]:
    """All rows in the order of their keys, never many at a time."""
    spelled = SPELLED[source.vendor]
    wanted = ", ".join(
        spelled.get(field.get_internal_type(), "{}").format(name(source, field))
        for field in columns(table)
    )
    key = name(source, table._meta.pk)
    with source.chunked_cursor() as cursor:
        cursor.execute(f"SELECT {wanted} FROM {quoted(source, table)} ORDER BY {key}")
        while rows := cursor.fetchmany(BATCH):
            yield from rows


def write(target: BaseDatabaseWrapper, table: Table, rows: Iterable[Row]) -> None:
    """Insert the rows with the keys that they have."""
    names = ", ".join(name(target, field) for field in columns(table))
    into = f"{quoted(target, table)} ({names})"
    with target.cursor() as cursor:
        rest = iter(rows if target.vendor == "sqlite" else _with_instants(rows, table))
        while batch := list(islice(rest, BATCH)):
            insert(cursor, into, batch)


def _with_instants(rows: Iterable[Row], table: Table) -> Iterator[Row]:
    """The rows with datetimes where the table has instants."""
    here = [isinstance(field, InstantField) for field in columns(table)]
    if not any(here):
        yield from rows
        return
    for row in rows:
        yield tuple(
            from_micros(value) if instant else value
            for value, instant in zip(row, here, strict=True)
        )


def count_on(target: BaseDatabaseWrapper, copied: Sequence[Table]) -> None:
    """Let new rows get the keys after those that were copied."""
    with target.cursor() as cursor:
        for statement in target.ops.sequence_reset_sql(no_style(), copied):
            cursor.execute(statement)


def quoted(connection: BaseDatabaseWrapper, table: Table) -> str:
    return connection.ops.quote_name(table._meta.db_table)


def name(connection: BaseDatabaseWrapper, field: Any) -> str:
    return connection.ops.quote_name(field.column)
