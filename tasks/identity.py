"""What may serve as the id of a task or the key of a session: it is shown, and stands in URLs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from msgspec import Struct, ValidationError, convert
from msgspec.structs import asdict

from records.faults import Invalid
from tasks.redaction import UNSTORABLE

__all__ = ["Invalid", "check_ids", "checked"]


def check_ids(event: Struct, fields: Iterable[str]) -> None:
    """Raise Invalid unless each id of `event` is blank or can be shown and linked to.

    It is printable, so that no two ids look alike by what cannot be seen, and none of its parts
    between slashes is "." or "..", which browsers take out of an address.
    """
    for field in fields:
        text = getattr(event, field)
        if not text.isprintable():
            raise Invalid(field, "holds a character that cannot be printed")
        if {".", ".."} & set(text.split("/")):
            raise Invalid(field, "has a part “.” or “..”, which no address can hold")


def checked(event: Any, changes: dict[str, Any]) -> Any:
    """`event` with `changes`, every field within its bounds and storable; raises Invalid."""
    told = asdict(event) | changes
    try:
        good = convert(told, type(event))
    except ValidationError as fault:
        cause, _, path = str(fault).partition(" - at `$.")
        raise Invalid(path.rstrip("`") or "event", cause) from None
    for field, value in told.items():
        if isinstance(value, str) and UNSTORABLE.search(value):
            raise Invalid(field, "holds a character that cannot be stored")
    return good
