"""From the events of a usage.json to users and records: checked, dated, in nano-dollars."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, TypeVar

import msgspec

from costs.models.record import MAX_MODEL, MAX_REQUEST_TYPE, MAX_TOKENS, MAX_USER_ID
from costs.money import to_nano
from costs.usage import storable
from costs.usage_json.clock import Clock
from costs.usage_json.events import MOST_FIELDS, Events, fields, flat, scalar
from costs.usage_json.refusal import Refused

Form = TypeVar("Form")
Count = Annotated[int, msgspec.Meta(ge=0, le=MAX_TOKENS)]
Time = Annotated[str, msgspec.Meta(max_length=40)]


class Record(msgspec.Struct, frozen=True, array_like=True):
    """One request of the file; `written` is its time as it stands there."""

    timestamp: datetime
    written: str
    model: str
    input_tokens: int
    output_tokens: int
    cost_nano: int
    request_type: str


@dataclass(frozen=True, slots=True)
class UserUsage:
    """What the file states of a user besides the records; `kept` is the number of these."""

    user_id: str
    requests: int
    cost_nano: int
    kept: int
    has_limits: bool
    daily_limit_nano: int | None
    monthly_limit_nano: int | None
    last_warning_at: datetime | None
    last_reset_at: datetime | None


class _Record(msgspec.Struct):
    timestamp: Time
    input_tokens: Count
    output_tokens: Count
    cost: Any
    model: Annotated[str, msgspec.Meta(max_length=MAX_MODEL)] | None = None
    request_type: Annotated[str, msgspec.Meta(max_length=MAX_REQUEST_TYPE)] | None = None


class _User(msgspec.Struct):
    total_requests: Count
    total_cost: Any
    user_id: int | str | None = None
    last_warning: Time | None = None
    last_reset: Time | None = None


class _Limits(msgspec.Struct):
    daily: Any = None
    monthly: Any = None


RECORD_FIELDS = frozenset(_Record.__struct_fields__)
# What follows from the records or counted only inside the old program is known but not needed.
USER_FIELDS = frozenset(_User.__struct_fields__) | {
    "daily_cost",
    "monthly_cost",
    "weekly_cost",
    "session_cost",
    "session_start",
    "records",
    "limits",
}
MOST_STRANGERS = 20


class Reader:
    """Reads one file; `keep` takes each record as it comes, `notes` counts what was not plain."""

    def __init__(
        self, events: Events, clock: Clock, keep: Callable[[Record], None], notes: Counter[str]
    ) -> None:
        self.events, self.clock, self.keep, self.notes = events, clock, keep, notes

    def users(self) -> list[UserUsage]:
        """All users, once the whole file is read. Raises Refused for what cannot be taken over."""
        event, _ = next(self.events)
        if event != "start_map":
            raise Refused("the top level is not an object with one entry a user")
        users = [self._user(*entry) for entry in fields(self.events, "the top level")]
        for _ in self.events:
            raise Refused("something follows the object; not a usage.json")
        return users

    def _user(self, user_id: str, event: str, _: Any) -> UserUsage:
        where = f"user {user_id[:MAX_USER_ID]!r}"
        if not 1 <= len(user_id) <= MAX_USER_ID or not storable(user_id):
            raise Refused(f"{where}: a user id has 1 to {MAX_USER_ID} characters")
        if event != "start_map":
            raise Refused(f"{where}: expected an object")
        plain: dict[str, Any] = {}
        kept, limits = 0, None
        for key, event, value in fields(self.events, where, MOST_FIELDS):
            if key == "records" and event != "null":
                kept = self._records(event, where)
            elif key == "limits" and event == "start_map":
                limits = flat(self.events, f"{where}, limits")
            else:
                plain[key] = scalar(self.events, event, value)
        return self._stated(user_id, where, plain, limits, kept)

    def _note_strangers(self, plain: dict[str, Any], known: frozenset[str]) -> None:
        for key in plain.keys() - known:
            note = f"unknown field {key[:40]!r}: passed over"
            if note in self.notes or len(self.notes) < MOST_STRANGERS:
                self.notes[note] += 1
            else:
                self.notes["further unknown fields: passed over"] += 1

    def _records(self, event: str, where: str) -> int:
        if event != "start_array":
            raise Refused(f"{where}, records: expected a list")
        count, previous = 0, None
        for event, _ in self.events:
            if event == "end_array":
                return count
            place = f"{where}, records[{count}]"
            if event != "start_map":
                raise Refused(f"{place}: expected an object")
            record = self._record(flat(self.events, place), place, previous)
            self.keep(record)
            count, previous = count + 1, record.timestamp
        return count

    def _record(self, plain: dict[str, Any], place: str, previous: datetime | None) -> Record:
        raw = _convert(plain, _Record, place)
        if not plain.keys() <= RECORD_FIELDS:
            self._note_strangers(plain, RECORD_FIELDS)
        model, request_type = raw.model or "", raw.request_type or "chat"
        if not storable(model) or not storable(request_type):
            raise Refused(f"{place}: a text holds a character that cannot be stored")
        return Record(
            self._instant(raw.timestamp, f"{place}.timestamp", previous),
            raw.timestamp,
            model,
            raw.input_tokens,
            raw.output_tokens,
            _nano(raw.cost, f"{place}.cost"),
            request_type,
        )

    def _stated(
        self, user_id: str, where: str, plain: dict[str, Any], limits: Any, kept: int
    ) -> UserUsage:
        if limits is None and plain.get("limits") is not None:
            raise Refused(f"{where}, limits: expected an object")
        self._note_strangers(plain, USER_FIELDS)
        raw, amounts = _convert(plain, _User, where), _convert(limits or {}, _Limits, where)
        if raw.user_id is not None and str(raw.user_id) != user_id:
            raise Refused(f"{where}: its user_id is another, {str(raw.user_id)[:MAX_USER_ID]!r}")
        return UserUsage(
            user_id=user_id,
            requests=raw.total_requests,
            cost_nano=_nano(raw.total_cost, f"{where}.total_cost"),
            kept=kept,
            has_limits=limits is not None,
            daily_limit_nano=_optional(amounts.daily, f"{where}, limits.daily"),
            monthly_limit_nano=_optional(amounts.monthly, f"{where}, limits.monthly"),
            last_warning_at=self._optional_instant(raw.last_warning, f"{where}.last_warning"),
            last_reset_at=self._optional_instant(raw.last_reset, f"{where}.last_reset"),
        )

    def _optional_instant(self, text: str | None, place: str) -> datetime | None:
        return None if text is None else self._instant(text, place)

    def _instant(self, text: str, place: str, previous: datetime | None = None) -> datetime:
        try:
            return self.clock.instant(text, previous)
        except (ValueError, OverflowError) as fault:
            raise Refused(f"{place}: {text!r} is not a time ({fault})") from None


def _convert(plain: dict[str, Any], form: type[Form], where: str) -> Form:
    try:
        return msgspec.convert(plain, form)
    except msgspec.ValidationError as fault:
        raise Refused(f"{where}: {fault}") from None


def _optional(value: Any, place: str) -> int | None:
    return None if value is None else _nano(value, place)


def _nano(value: Any, place: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise Refused(f"{place}: expected an amount of dollars")
    try:
        return to_nano(value)
    except ValueError as fault:
        raise Refused(f"{place}: {fault}") from None
