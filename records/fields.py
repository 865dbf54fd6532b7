"""The columns that Django does not have."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper

from records.instants import from_micros, micros

TYPES = {"sqlite": "bigint", "postgresql": "timestamp with time zone"}


class InstantField(models.DateTimeField):  # type: ignore[type-arg]  # not generic when it runs
    """A time that SQLite keeps as the microseconds since 1970, in a third of the room of its text.

    PostgreSQL keeps such a number by itself: there it is the column that a DateTimeField has.
    Instants are compared, and have no parts: `__year` and its kin are no lookups.
    """

    def get_internal_type(self) -> str:
        return "InstantField"

    def db_type(self, connection: BaseDatabaseWrapper) -> str:
        return TYPES[connection.vendor]

    def get_db_prep_value(
        self, value: Any, connection: BaseDatabaseWrapper, prepared: bool = False
    ) -> Any:
        instant = value if prepared else self.get_prep_value(value)
        return stored(instant, connection) if isinstance(instant, datetime) else instant

    def from_db_value(
        self, value: Any, expression: Any, connection: BaseDatabaseWrapper
    ) -> datetime | None:
        return None if value is None else fetched(value)

    def get_transform(self, lookup_name: str) -> None:
        return None


def stored(instant: datetime, connection: BaseDatabaseWrapper) -> Any:
    """An aware datetime as an InstantField holds it, for statements by cursor."""
    return micros(instant) if connection.vendor == "sqlite" else instant


def fetched(value: Any) -> datetime:
    """What a cursor brings of an InstantField, as an aware datetime in UTC."""
    return value if isinstance(value, datetime) else from_micros(value)
