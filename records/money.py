"""Amounts of money in JSON: exact, whether a number or text."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

from msgspec import Meta

SENT = "x-sent-as"
"""Under this key the schema of a Decimal names the types of JSON in which it is sent."""

Dollars = Annotated[
    Decimal,
    Meta(description="US dollars, exact to the ninth decimal.", extra_json_schema={SENT: "number"}),
]
"""An amount that is answered."""

Money = Annotated[
    Decimal,
    Meta(
        description="US dollars, as a number or as text: both are taken exactly.",
        extra_json_schema={SENT: ["number", "string"]},
    ),
]
"""An amount that is asked to be kept."""
