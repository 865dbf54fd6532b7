"""One request as it is reported, checked and priced into the row that the ledger stores."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from operator import attrgetter
from typing import Any

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
from costs.watermark import stored

COLUMNS = (
    "timestamp",
    "user_id",
    "model",
    "request_type",
    *TOKEN_FIELDS,
    "cost_nano",
    "requests",
    "session_key",
    "source",
    "source_id",
    "priced_by",
)
GIVEN = "given"
_TEXTS = {
    "user_id": MAX_USER_ID,
    "model": MAX_MODEL,
    "request_type": MAX_REQUEST_TYPE,
    "session_key": MAX_SESSION_KEY,
    "source": MAX_SOURCE,
    "source_id": MAX_SOURCE_ID,
}


class InvalidUsage(ValueError):
    """A request that cannot be recorded; `field` names what is wrong, `place` its position."""

    def __init__(self, field: str, cause: str, place: int = 0) -> None:
        super().__init__(f"{field}: {cause}")
        self.field, self.cause, self.place = field, cause, place


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """One request to a model, as reported; see costs.ledger.record_usage for the fields."""

    user_id: str
    model: str
    input_tokens: int
    output_tokens: int
    request_type: str = "chat"
    cost: Decimal | None = None
    timestamp: datetime | None = None
    session_key: str = ""
    source: str = "api"
    source_id: str | None = None
    cache_read_tokens: int = 0
    cache_write_5m_tokens: int = 0
    cache_write_1h_tokens: int = 0
    inference_geo: str = ""
    speed: str = ""
    web_searches: int = 0


@dataclass(frozen=True, slots=True)
class Receipt:
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
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

    def stored(self) -> tuple[Any, ...]:
        """The values of COLUMNS as the database takes them."""
        return (stored(self.timestamp), *_rest(self))

    def receipt(self) -> Receipt:
        return Receipt(self.cost_nano, self.priced_by)


_rest = attrgetter(*COLUMNS[1:])


def prepare(usage: Usage, now: datetime, place: int = 0) -> Row:
    """Check and price `usage`, dated `now` where it has no time. Raises InvalidUsage."""
    try:
        return _prepare(usage, now)
    except InvalidUsage as fault:
        fault.place = place
        raise


def _prepare(usage: Usage, now: datetime) -> Row:
    for field, longest in _TEXTS.items():
        _check_text(field, getattr(usage, field), longest)
    for field in (*TOKEN_FIELDS, "web_searches"):
        _check_count(field, getattr(usage, field))
    timestamp = _instant(usage.timestamp or now)
    cost_nano, priced_by = _cost(usage, timestamp)
    return Row(
        timestamp=timestamp,
        cost_nano=cost_nano,
        priced_by=priced_by,
        **{name: getattr(usage, name) for name in (*TOKEN_FIELDS, *_TEXTS)},
    )


def _check_text(field: str, value: object, longest: int) -> None:
    if value is None and field == "source_id":
        return
    if not isinstance(value, str):
        raise InvalidUsage(field, f"expected text, got {type(value).__name__}")
    if not value and field in ("user_id", "source", "source_id"):
        raise InvalidUsage(field, "must not be empty")
    if len(value) > longest:
        raise InvalidUsage(field, f"longer than {longest} characters")
    if not storable(value):
        raise InvalidUsage(field, "holds a character that cannot be stored")


def storable(text: str) -> bool:
    """Whether every database takes the text: no NUL, no lone surrogate."""
    return ("\0" not in text and text.isascii()) or not any(
        char == "\0" or "\ud800" <= char <= "\udfff" for char in text
    )


def _check_count(field: str, value: object) -> None:
    if not isinstance(value, int) or isinstance(value, bool):
        raise InvalidUsage(field, f"expected a whole number, got {type(value).__name__}")
    if not 0 <= value <= MAX_TOKENS:
        raise InvalidUsage(field, f"expected 0 to {MAX_TOKENS}")


def _instant(timestamp: datetime) -> datetime:
    if timestamp.tzinfo is None:
        raise InvalidUsage("timestamp", "has no time zone")
    if not EPOCH <= timestamp < FOREVER:
        raise InvalidUsage("timestamp", f"{timestamp.isoformat()} is not between 1970 and 9999")
    return timestamp.astimezone(UTC)


def _cost(usage: Usage, timestamp: datetime) -> tuple[int, str]:
    if usage.cost is not None:
        try:
            return to_nano(usage.cost), GIVEN
        except (ValueError, TypeError, ArithmeticError) as fault:
            raise InvalidUsage("cost", str(fault)) from fault
    price = pricing.price(
        usage.model,
        pricing.Tokens(*(getattr(usage, field) for field in TOKEN_FIELDS)),
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
