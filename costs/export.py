"""Rows as CSV: exact dollars, UTC times, and no cell that a spreadsheet would run."""

from __future__ import annotations

import csv
import io
import json
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from django.db.models import Model, QuerySet
from django.http import StreamingHttpResponse
from django.utils import timezone

from costs.money import from_nano

BATCH = 2_000


def csv_response(rows: QuerySet[Any], newest_by: str = "pk") -> StreamingHttpResponse:
    """A download of `rows`, read and sent in batches, ordered as `batches` says.

    The server's own handler sends a plain iterator part by part.
    """
    name = f"{rows.model._meta.model_name}-{timezone.now().astimezone(UTC):%Y%m%dT%H%M%SZ}.csv"
    return StreamingHttpResponse(
        lines(rows, newest_by),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def lines(rows: QuerySet[Any], newest_by: str = "pk") -> Iterator[str]:
    """CSV text: the header, then a part for each batch of `rows`."""
    names = [field.name for field in rows.model._meta.concrete_fields]
    yield _text([[name.replace("_nano", "") for name in names]])
    for batch in batches(rows, newest_by):
        yield _text([cell(name, getattr(row, name)) for name in names] for row in batch)


def batches(rows: QuerySet[Any], newest_by: str) -> Iterator[list[Model]]:
    """All rows, newest first by a field whose index serves each batch.

    Each batch is a statement of its own that goes on behind the last row. So a slow reader
    holds no cursor open, which would keep SQLite's log from being cut.
    """
    rows = rows.defer(None).order_by(f"-{newest_by}", "-pk")
    batch = list(rows[:BATCH])
    while batch:
        yield batch
        at, last = getattr(batch[-1], newest_by), batch[-1].pk
        older = rows.filter(**{f"{newest_by}__lte": at})
        batch = list(older.exclude(**{newest_by: at, "pk__gte": last})[:BATCH])


def cell(name: str, value: object) -> str:
    """The text of a field's value: dollars where the name says nano-dollars, ISO times in UTC."""
    if value is None:
        return ""
    if isinstance(value, int) and "_nano" in name:
        return f"{from_nano(value):.9f}"
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    return defused(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))


def defused(text: str) -> str:
    """`text`, behind an apostrophe where a spreadsheet could take it for a formula.

    That is where its first visible character is = + - or @ in any width, or where it begins
    with a control character.
    """
    if not text or text[0].isalnum():
        return text
    first = next((char for char in text if unicodedata.category(char)[0] not in "ZC"), "")
    formula = unicodedata.normalize("NFKC", first).startswith(("=", "+", "-", "@"))
    return f"'{text}" if formula or unicodedata.category(text[0]) == "Cc" else text


def _text(rows: Iterable[Sequence[str]]) -> str:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue()
