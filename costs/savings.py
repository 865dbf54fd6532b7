"""What the cache of prompts saved, at list prices: see docs/guide.md for the formula."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from django.db.backends.utils import CursorWrapper

from costs import pricing
from costs.cells import floored
from costs.pricing import half_even
from costs.sources import Only, daily, read
from costs.spending import Spending
from costs.totals import CACHE_FIELDS
from costs.watermark import Watermark, consistently
from records.fields import fetched


@dataclass(frozen=True, slots=True)
class Savings:
    """Nano-dollars that caching saved; below 0 it cost more than it saved.

    `unpriced` are the models with tokens of the cache but no price on some day, in order; "" is
    no model, or one not known. Their tokens of those days are not in the sum.
    """

    saved_nano: int
    unpriced: tuple[str, ...]


def saved(spending: Spending) -> Savings:
    """What the cache saved of what was spent, against the same tokens sent as plain input.

    Each model's UTC day is priced at its list price for short prompts, and rounded once, half to
    even. Raises ImproperlyConfigured for a faulty PRICES_CSV.
    """
    total, unpriced = 0, set()
    for model, day, *tokens in _cached(spending):
        rates = pricing.rates(model, day)
        if rates is not None:
            total += half_even(_pico(rates, *tokens), 1000)
        elif any(tokens):
            unpriced.add(model)
    return Savings(total, tuple(sorted(unpriced)))


def _pico(rates: pricing.Row, reads: int, writes_5m: int, writes_1h: int) -> int:
    return (
        reads * (rates.input - rates.read)
        - writes_5m * (rates.write_5m - rates.input)
        - writes_1h * (rates.write_1h - rates.input)
    )


def _cached(spending: Spending) -> Iterable[tuple[str, date, int, int, int]]:
    """The tokens of the cache by model and UTC day."""
    if spending.sheet:
        return spending.sheet.cached()
    return _days(spending.start, spending.end, spending.only.only)


def _days(start: datetime, end: datetime, only: Only) -> Iterable[tuple[str, date, int, int, int]]:
    def answer(cursor: CursorWrapper, mark: Watermark) -> list[tuple[Any, ...]]:
        places = [
            replace(place, keys=(*place.keys, floored(place.time, "day")))
            for place in daily(start, end, mark, only, "model")
        ]
        return read(cursor, places, CACHE_FIELDS, only)

    for model, day, *tokens in consistently(answer):
        reads, writes_5m, writes_1h = map(int, tokens)
        yield model, fetched(day).date(), reads, writes_5m, writes_1h
