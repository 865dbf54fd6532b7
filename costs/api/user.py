"""The user that a route is asked about. None is made by asking."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from costs.models.record import MAX_USER_ID
from costs.usage import storable


class User(Struct):
    """Whose figures are asked for."""

    user_id: Annotated[str, Meta(min_length=1, max_length=MAX_USER_ID)]

    def __post_init__(self) -> None:
        if not storable(self.user_id):
            raise ValueError("user_id holds a character that cannot be stored")
