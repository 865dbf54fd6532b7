"""The URL of the spend page: a range, and what of the ledger is looked at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Self
from urllib.parse import urlencode

from django.urls import reverse

from costs.admin.filters import BLANK, CACHED, YES
from costs.models.record import MAX_MODEL, MAX_REQUEST_TYPE, MAX_SOURCE, MAX_USER_ID
from costs.spending import Filter
from costs.usage import storable
from monitor.periods import Period
from monitor.spend.between import MARK, Between

DEFAULT_RANGE = "30d"
EVERYTHING = Filter()


@dataclass(frozen=True)
class Parameter:
    """One filter as a URL names it."""

    name: str
    column: str
    longest: int
    may_be_blank: bool = False

    def parse(self, text: str) -> str | None:
        """The value that `text` asks for, None for any. Raises ValueError, in words."""
        if len(text) > self.longest or not storable(text):
            raise ValueError(f"There is no {self.name} “{text[:40]}”.")
        return "" if self.may_be_blank and text == BLANK else text or None

    def text(self, value: str | None) -> str:
        return BLANK if value == "" else value or ""


USER = Parameter("user", "user_id", MAX_USER_ID)
MODEL = Parameter("model", "model", MAX_MODEL, may_be_blank=True)
TYPE = Parameter("type", "request_type", MAX_REQUEST_TYPE, may_be_blank=True)
SOURCE = Parameter("source", "source", MAX_SOURCE)
PARAMETERS = (USER, MODEL, TYPE, SOURCE)


@dataclass(frozen=True)
class Chip:
    """A filter in force, and the way to do without it."""

    name: str
    text: str
    url: str


@dataclass(frozen=True)
class SpendAddress:
    period: Period
    only: Filter = EVERYTHING

    @classmethod
    def parse(cls, asked: Mapping[str, str], now: datetime) -> Self:
        """What `asked`, a query, means. Raises ValueError, in words for the reader."""
        text = asked.get("range", DEFAULT_RANGE)
        period = Between.read(text) if MARK in text else Period.parse(text, now)
        given = {each.column: each.parse(asked.get(each.name, "")) for each in PARAMETERS}
        return cls(period, Filter(**given))

    @property
    def query(self) -> str:
        """The query string: the range, then the filters in force."""
        return "?" + urlencode({"range": self.period.label} | self.texts)

    @property
    def texts(self) -> dict[str, str]:
        """The filters in force by the names of their parameters."""
        told = {each.name: each.text(getattr(self.only, each.column)) for each in PARAMETERS}
        return {name: text for name, text in told.items() if text}

    @property
    def is_filtered(self) -> bool:
        return self.only != EVERYTHING

    def __str__(self) -> str:
        return reverse("spend") + self.query

    def with_only(self, parameter: Parameter, value: str | None) -> Self:
        """The same page with one filter set, or without it where `value` is None."""
        return replace(self, only=replace(self.only, **{parameter.column: value}))

    def between(self, start: datetime, end: datetime) -> Self:
        """The same page over the whole minutes from `start` to `end`."""
        return replace(self, period=Between.of(start, end))

    @property
    def is_between(self) -> bool:
        return isinstance(self.period, Between)

    def over(self, label: str) -> str:
        """The URL of the same page over another range."""
        return f"{reverse('spend')}?{urlencode({'range': label} | self.texts)}"

    @property
    def unfiltered(self) -> Self:
        return replace(self, only=EVERYTHING)

    @property
    def chips(self) -> list[Chip]:
        return [
            Chip(each.name, self.texts[each.name], str(self.with_only(each, None)))
            for each in PARAMETERS
            if each.name in self.texts
        ]

    @property
    def csv_url(self) -> str:
        return reverse("spend_csv") + self.query

    @property
    def admin_url(self) -> str:
        """The records behind the page in the administration."""
        names = {"user_id": "q"} | {each.column: each.column for each in PARAMETERS[1:]}
        period = {} if self.period.label == "all" else {"period": self.period.label}
        texts = {names[each.column]: self.texts.get(each.name, "") for each in PARAMETERS}
        query = period | {name: text for name, text in texts.items() if text}
        return f"{reverse('admin:costs_costrecord_changelist')}?{urlencode(query)}"


def asks_for_cached(asked: Mapping[str, str]) -> bool:
    """Whether records with tokens of the cache alone are meant. Raises ValueError, in words."""
    text = asked.get(CACHED, "")
    if text not in ("", YES):
        raise ValueError(f"There is no {CACHED} “{text[:40]}”; say {CACHED}={YES}, or nothing.")
    return text == YES
