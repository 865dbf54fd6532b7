"""What is said of a record that cannot be kept."""

from __future__ import annotations


class Invalid(ValueError):
    """What was told cannot be recorded; `field` names what is wrong, `place` its position."""

    def __init__(self, field: str, cause: str, place: int = 0) -> None:
        super().__init__(f"{field}: {cause}")
        self.field, self.cause, self.place = field, cause, place
