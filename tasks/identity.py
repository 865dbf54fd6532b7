"""What may serve as the id of a task or the key of a session: it is shown, and stands in URLs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from msgspec import Struct, ValidationError, convert
from msgspec.structs import asdict


class Invalid(ValueError):
    """What was told cannot be recorded; `field` names what is wrong, `place` its position."""

    def __init__(self, field: str, cause: str, place: int = 0) -> None:
        super().__init__(f"{field}: {cause}")
        self.field, self.cause, self.place = field, cause, place


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
    """`event` with `changes`, every field within its bounds; raises Invalid."""
    try:
        return convert(asdict(event) | changes, type(event))
    except ValidationError as fault:
        cause, _, path = str(fault).partition(" - at `$.")
        raise Invalid(path.rstrip("`") or "event", cause) from None
