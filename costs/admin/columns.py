"""Columns that word what is stored: nano-dollars as exact dollars, instants in UTC."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC
from functools import cache

from django.contrib import admin
from django.db import models

from costs.instants import EPOCH
from costs.money import from_nano

Column = Callable[[models.Model], str]


def dollars(nano: int) -> str:
    return f"${from_nano(nano):,.9f}"


def named(field: str) -> str:
    """The name of a field in words, without its unit."""
    return field.replace("_nano", "" if "cost" in field or "limit" in field else "_cost").replace(
        "_", " "
    )


@cache
def money(field: str, absent: str = "-") -> Column:
    """The column of a field in nano-dollars; `absent` where there is no amount."""

    @admin.display(description=named(field))
    def column(row: models.Model) -> str:
        nano = getattr(row, field)
        return absent if nano is None else dollars(nano)

    return column


@cache
def moment(field: str) -> Column:
    """The column of an instant, to the second; EPOCH marks what never happened."""

    @admin.display(description=f"{named(field)} (UTC)", ordering=field)
    def column(row: models.Model) -> str:
        instant = getattr(row, field)
        return (
            "never" if instant in (None, EPOCH) else f"{instant.astimezone(UTC):%Y-%m-%d %H:%M:%S}"
        )

    return column


def worded(field: models.Field[object, object]) -> str | Column:
    """The field by name, or the column that words it."""
    if "_nano" in field.name:
        return money(field.name)
    return moment(field.name) if isinstance(field, models.DateTimeField) else field.name
