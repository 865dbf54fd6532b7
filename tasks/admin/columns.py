"""Columns that word what is stored: instants in UTC, JSON in lines, links to what is named."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC
from functools import cache

from django.contrib import admin
from django.contrib.admin.utils import quote
from django.db import models
from django.db.models.constants import LOOKUP_SEP
from django.urls import reverse
from django.utils.html import format_html
from django.utils.text import Truncator

Column = Callable[[models.Model], str]
SHOWN = 80  # characters of a text in a list


def _named(field: str) -> str:
    return field.removesuffix("_at").replace(LOOKUP_SEP, " ").replace("_", " ")


@cache
def moment(field: str) -> Column:
    """The column of an instant, to the second."""

    @admin.display(description=f"{_named(field)} (UTC)", ordering=field)
    def column(row: models.Model) -> str:
        instant = getattr(row, field)
        return f"{instant.astimezone(UTC):%Y-%m-%d %H:%M:%S}" if instant else "-"

    return column


@cache
def short(field: str) -> Column:
    """The column of the beginning of a text."""

    @admin.display(description=_named(field))
    def column(row: models.Model) -> str:
        return Truncator(getattr(row, field)).chars(SHOWN) or "-"

    return column


@cache
def reference(field: models.ForeignKey[object, object]) -> Column:
    """The column of a relation: the id, which links to a record that may be unknown as yet."""
    page = f"admin:{field.related_model._meta.app_label}_{field.related_model._meta.model_name}"

    @admin.display(description=_named(field.name))
    def column(row: models.Model) -> str:
        if (key := getattr(row, field.attname)) is None:
            return "-"
        return format_html('<a href="{}">{}</a>', reverse(f"{page}_change", args=[quote(key)]), key)

    return column


@cache
def lines(field: str) -> Column:
    """The column of a JSON value, a line for each of its items."""

    @admin.display(description=_named(field))
    def column(row: models.Model) -> str:
        text = json.dumps(getattr(row, field), indent=2, ensure_ascii=False)
        return format_html("<pre>{}</pre>", text)

    return column


def worded(field: models.Field[object, object]) -> str | Column:
    """The field by name, or the column that words it."""
    if isinstance(field, models.ForeignKey):
        return reference(field)
    if isinstance(field, models.JSONField):
        return lines(field.name)
    return moment(field.name) if isinstance(field, models.DateTimeField) else field.name
