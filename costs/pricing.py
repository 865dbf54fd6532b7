"""What a request costs at list price, from dated rows: prices.csv and, before it, PRICES_CSV.

Rates are US dollars per million tokens. A row holds from the UTC day `from` (blank: always) until
the next row of its model and threshold begins, or the day `until`. `above` is a threshold: a
prompt with more tokens pays the rates of that row for the whole request, output included. The 1M
beta tiers need no flag: while they held, only their header let so long a prompt through.

The short names `haiku`, `sonnet` and `opus` come from bots that charged 0.80/4.00 for haiku and
3.00/15.00 for sonnet. Those are the prices of Claude 3.5 Haiku and of Sonnet 4.5; opus was charged
as sonnet for want of a price of its own, and the Opus of that time is 4.1. The names keep these
meanings on every date: today's model of the family is another model, with a name of its own.

A cache write is free only where its maker charges none by the token: GPT before 5.6 and Gemini.
A name with a seller's prefix is priced at its maker's list price.
"""

import csv
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from functools import cache, cached_property, lru_cache
from io import StringIO
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import msgspec
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from records.structs import built

SHIPPED = Path(__file__).with_name("prices.csv")
SEARCH_NANO = 10_000_000  # one web search
DEAREST = 1_000_000  # a rate or factor beyond this is a slip of the pen

SPELLING = re.compile(
    r"""
    (?:(?:anthropic|azure|azure_ai|bedrock|gemini|google|openai|openrouter|vertex_ai)/)*
    (?:(?:us|us-gov|eu|apac|au|ca|jp|global)\.)?(?:anthropic\.)?  # Bedrock
    (?P<name>[^/]+?)
    (?:[-@]20[0-9]{2}-?[0-9]{2}-?[0-9]{2})?  # a dated snapshot
    (?:-v[0-9]+(?::[0-9]+)?)?  # Bedrock's revision
    (?:\[1m\])?
    """,
    re.VERBOSE,
)


class Tokens(NamedTuple):
    """The tokens of one response; `input` are those of the prompt that touched no cache."""

    input: int = 0
    output: int = 0
    cache_read: int = 0
    cache_write_5m: int = 0
    cache_write_1h: int = 0

    @property
    def prompt(self) -> int:
        return self.input + self.cache_write_5m + self.cache_write_1h + self.cache_read


class Price(NamedTuple):
    """A cost in nano-dollars and the key of the row it comes from."""

    cost_nano: int
    row: str


class Rate(int):
    """Pico-dollars a token, which are micro-dollars per million tokens."""


@built
class Row(msgspec.Struct, frozen=True, forbid_unknown_fields=True, dict=True):
    """One line of a price file. The `us` and `fast` factors are 1 where a model has none."""

    model: Annotated[str, msgspec.Meta(max_length=80)]  # so that its key fits a record
    input: Rate
    output: Rate
    write_5m: Rate
    write_1h: Rate
    read: Rate
    aliases: str = ""
    start: date = msgspec.field(name="from", default=date.min)
    until: date = date.max
    above: Annotated[int, msgspec.Meta(ge=0)] = -1  # every prompt is longer
    us: Fraction = Fraction(1)
    fast: Fraction = Fraction(1)
    note: str = ""

    def __post_init__(self) -> None:
        if self.until <= self.start:
            raise ValueError("`until` is not after `from`")

    @cached_property
    def key(self) -> str:
        """What a record keeps to tell by which row it was priced."""
        start = f" {self.start}" if self.start > date.min else ""
        return self.model + start + (f" >{self.above}" if self.above >= 0 else "")

    def pico(self, tokens: Tokens) -> int:
        return (
            tokens.input * self.input
            + tokens.output * self.output
            + tokens.cache_read * self.read
            + tokens.cache_write_5m * self.write_5m
            + tokens.cache_write_1h * self.write_1h
        )


Table = dict[str, list[Row]]


def price(
    model: str,
    tokens: Tokens,
    at: datetime,
    *,
    inference_geo: str = "",
    speed: str = "",
    web_searches: int = 0,
) -> Price | None:
    """What the request costs at the list price of its moment `at` (aware).

    The sum is exact and rounded once, half to even, to the nano-dollar. None where no row exists
    for the model on that day. Raises ImproperlyConfigured for a faulty PRICES_CSV.
    """
    fast = speed == "fast"
    row = _row(model, at.astimezone(UTC).date(), tokens.prompt, fast)
    if row is None:
        return None
    factor = (row.us if inference_geo == "us" else 1) * (row.fast if fast else 1)
    cost = half_even(row.pico(tokens) * factor.numerator, 1000 * factor.denominator)
    return Price(cost + web_searches * SEARCH_NANO, row.key)


def rates(model: str, at: date) -> Row | None:
    """The list price of a short prompt to the model on the UTC day `at`; None without one.

    Raises ImproperlyConfigured for a faulty PRICES_CSV.
    """
    return _row(model, at, 0, fast=False)


def half_even(numerator: int, denominator: int) -> int:
    """round(Fraction(numerator, denominator)), ten times as fast."""
    whole, rest = divmod(numerator, denominator)
    return whole + (2 * rest > denominator or (2 * rest == denominator and whole % 2))


def tables(own: str) -> list[Table]:
    """The price tables by name of model, the administrator's before the shipped one.

    Raises ImproperlyConfigured with file, line and cause for a faulty PRICES_CSV.
    """
    return [*([_table(Path(own))] if own else []), _table(SHIPPED)]


def _row(model: str, day: date, prompt: int, fast: bool) -> Row | None:
    for row in _in_force(model, day, fast, settings.PRICES_CSV):
        if row.above < prompt:
            return row
    return None


@lru_cache(maxsize=4096)
def _in_force(model: str, day: date, fast: bool, own: str) -> list[Row]:
    """The rows that may price the model that day; the first whose threshold is passed does.

    Fast mode is flat: where a model has it, its row stands before every tier.
    """
    listed = [table[name] for table in tables(own) for name in _spellings(model) if name in table]
    return [
        row
        for rows in listed
        for row in sorted(
            (row for row in rows if row.start <= day < row.until),
            key=lambda row: (fast and row.fast > 1, row.above, row.start),
            reverse=True,
        )
    ]


def _fold(name: str) -> str:
    return name.lower().replace(".", "-")


def _spellings(model: str) -> Iterator[str]:
    """The name itself, then the name without prefix, date and suffix; never a mere part of it."""
    yield _fold(model)
    if match := SPELLING.fullmatch(model.lower()):
        yield _fold(match["name"])


@cache
def _table(path: Path) -> Table:
    """The rows of the file, which is read once a process."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as fault:
        raise ImproperlyConfigured(f"The price file {path} cannot be read: {fault}") from fault
    reader = csv.DictReader(StringIO(text), strict=True)
    table: Table = {}
    try:
        for fields in reader:
            _add(_parsed(fields), table)
    except (ValueError, csv.Error, msgspec.ValidationError) as fault:
        raise ImproperlyConfigured(f"{path}, line {reader.line_num}: {fault}") from fault
    return table


def _parsed(fields: dict[str | Any, str | Any]) -> Row:
    if None in fields:
        raise ValueError("more fields than columns")
    given = {column: text.strip() for column, text in fields.items() if text and text.strip()}
    return msgspec.convert(given, Row, strict=False, dec_hook=_exact)


def _exact(kind: type, text: str) -> Rate | Fraction:
    try:
        number = Decimal(text)
    except InvalidOperation as fault:
        raise ValueError(f"{text!r} is not a number") from fault
    if not (number.is_finite() and 0 <= number <= DEAREST):
        raise ValueError(f"{text!r} is not between 0 and {DEAREST}")
    if kind is Fraction:
        return Fraction(number)
    if number != (rounded := round(number, 6)):
        raise ValueError(f"{text!r} has more than six decimals")
    return Rate(rounded.scaleb(6))


def _add(row: Row, table: Table) -> None:
    """Files the row under its names; those of one model share one list."""
    rows = table.setdefault(_fold(row.model), [])
    if any(row.model != other.model or row.key == other.key for other in rows):
        raise ValueError(f"a second row for {row.key}")
    for alias in row.aliases.split():
        if table.setdefault(_fold(alias), rows) is not rows:
            raise ValueError(f"the alias {alias} is taken")
    rows.append(row)
