"""One request as it is reported, checked and priced into the row that the ledger stores."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from operator import attrgetter
from typing import Annotated, Any

from django.db.backends.utils import CursorWrapper
from msgspec import DecodeError, Meta, Raw, Struct, ValidationError, convert, json
from msgspec.structs import asdict

from costs import pricing
from costs.instants import EPOCH, FOREVER
from costs.models.record import (
    MAX_MODEL,
    MAX_REQUEST_TYPE,
    MAX_SESSION_KEY,
    MAX_SOURCE,
    MAX_SOURCE_ID,
    MAX_TOKENS,
    MAX_USER_ID,
)
from costs.money import MAX_COST, NANO, from_nano, to_nano
from costs.totals import TOKEN_FIELDS
from records.faults import Invalid
from records.fields import stored
from records.money import Money

TEXT_FIELDS = ("user_id", "model", "request_type", "session_key", "source", "source_id")
COLUMNS = ("timestamp", *TEXT_FIELDS, *TOKEN_FIELDS, "cost_nano", "requests", "priced_by")
GIVEN = "given"

Count = Annotated[int, Meta(ge=0, le=MAX_TOKENS)]
Key = tuple[str, str]
"""The source and the source_id of a record."""


class InvalidUsage(Invalid):
    """A request that cannot be recorded; `field` names what is wrong, `place` its position."""


class Usage(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A request to a model, as reported. Tokens of the cache are not among the input_tokens."""

    user_id: Annotated[str, Meta(min_length=1, max_length=MAX_USER_ID)]
    model: Annotated[str, Meta(max_length=MAX_MODEL)]
    input_tokens: Count
    output_tokens: Count
    request_type: Annotated[str, Meta(max_length=MAX_REQUEST_TYPE)] = "chat"
    cost: Annotated[
        Money | None, Meta(description="What it cost; without it the price list is applied.")
    ] = None
    timestamp: Annotated[
        Annotated[datetime, Meta(tz=True)] | None, Meta(description="When; without it, now.")
    ] = None
    session_key: Annotated[str, Meta(max_length=MAX_SESSION_KEY)] = ""
    source: Annotated[str, Meta(min_length=1, max_length=MAX_SOURCE)] = "api"
    source_id: Annotated[
        Annotated[str, Meta(min_length=1, max_length=MAX_SOURCE_ID)] | None,
        Meta(description="The request's own name at its source: with it, it is booked once."),
    ] = None
    cache_read_tokens: Count = 0
    cache_write_5m_tokens: Count = 0
    cache_write_1h_tokens: Count = 0
    inference_geo: Annotated[str, Meta(description="“us” where that was paid for.")] = ""
    speed: Annotated[str, Meta(description="“fast” where that was paid for.")] = ""
    web_searches: Count = 0


class Receipt(Struct, frozen=True):
    """What the ledger holds of a request; `created` is False where it held it before."""

    cost_nano: int
    priced_by: str
    created: bool = True

    @property
    def cost(self) -> Decimal:
        """Dollars."""
        return from_nano(self.cost_nano)

    @property
    def priced(self) -> bool:
        return self.priced_by != ""


class Row(Struct, frozen=True, kw_only=True):
    """A checked and priced request, field by field what is stored; timestamp in UTC."""

    timestamp: datetime
    user_id: str
    model: str
    request_type: str
    input_tokens: int
    output_tokens: int
    cost_nano: int
    source: str
    priced_by: str
    cache_read_tokens: int = 0
    cache_write_5m_tokens: int = 0
    cache_write_1h_tokens: int = 0
    requests: int = 1
    session_key: str = ""
    source_id: str | None = None

    @property
    def key(self) -> Key | None:
        """Under which the record is known, and so booked once."""
        return None if self.source_id is None else (self.source, self.source_id)

    def receipt(self) -> Receipt:
        return Receipt(self.cost_nano, self.priced_by)


_texts, _tokens = attrgetter(*TEXT_FIELDS), attrgetter(*TOKEN_FIELDS)
_behind_timestamp = attrgetter(*COLUMNS[1:])
_decoder = json.Decoder(Usage)


def stored_rows(rows: Iterable[Row], cursor: CursorWrapper) -> list[tuple[Any, ...]]:
    """The values of COLUMNS of each row, as the database takes them."""
    return [(stored(row.timestamp, cursor.db), *_behind_timestamp(row)) for row in rows]


def prepare(usage: Usage, now: datetime, place: int = 0) -> Row:
    """Check and price `usage`, dated `now` where it has no time. Raises InvalidUsage."""
    try:
        checked = convert(asdict(usage), Usage)
        return _priced(checked, _instant(checked.timestamp or now))
    except ValidationError as fault:
        raise _invalid(fault, place) from None
    except InvalidUsage as fault:
        fault.place = place
        raise


def decode(record: Raw | bytes, place: int = 0) -> Usage:
    """The request that a JSON object tells of. Raises InvalidUsage; of no field if none is it."""
    try:
        return _decoder.decode(record)
    except ValidationError as fault:
        raise _invalid(fault, place) from None
    except (DecodeError, UnicodeDecodeError) as fault:
        raise InvalidUsage("", f"cannot be read: {fault}", place) from None


def _invalid(fault: ValidationError, place: int) -> InvalidUsage:
    cause, _, path = str(fault).partition(" - at `$.")
    return InvalidUsage(path.rstrip("`"), cause, place)


def _priced(usage: Usage, timestamp: datetime) -> Row:
    if not storable("".join(filter(None, texts := _texts(usage)))):
        field = next(
            f for f, text in zip(TEXT_FIELDS, texts, strict=True) if text and not storable(text)
        )
        raise InvalidUsage(field, "holds a character that cannot be stored")
    cost_nano, priced_by = _cost(usage, timestamp)
    return Row(
        timestamp=timestamp,
        user_id=usage.user_id,
        model=usage.model,
        request_type=usage.request_type,
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cache_read_tokens=usage.cache_read_tokens,
        cache_write_5m_tokens=usage.cache_write_5m_tokens,
        cache_write_1h_tokens=usage.cache_write_1h_tokens,
        cost_nano=cost_nano,
        session_key=usage.session_key,
        source=usage.source,
        source_id=usage.source_id,
        priced_by=priced_by,
    )


def storable(text: str) -> bool:
    """Whether every database takes the text: no NUL, no lone surrogate."""
    if text.isascii():
        return "\0" not in text
    return not any(char == "\0" or "\ud800" <= char <= "\udfff" for char in text)


def _instant(timestamp: datetime) -> datetime:
    if not EPOCH <= timestamp < FOREVER:
        raise InvalidUsage("timestamp", f"{timestamp.isoformat()} is not between 1970 and 9999")
    return timestamp.astimezone(UTC)


def _cost(usage: Usage, timestamp: datetime) -> tuple[int, str]:
    if usage.cost is not None:
        try:
            return to_nano(usage.cost), GIVEN
        except ValueError as fault:
            raise InvalidUsage("cost", str(fault)) from fault
    price = pricing.price(
        usage.model,
        pricing.Tokens(*_tokens(usage)),
        timestamp,
        inference_geo=usage.inference_geo,
        speed=usage.speed,
        web_searches=usage.web_searches,
    )
    if price is None:
        return 0, ""
    if price.cost_nano > MAX_COST * NANO:
        raise InvalidUsage("cost", f"tokens for more than {MAX_COST:,} dollars are not believed")
    return price.cost_nano, price.row
