from __future__ import annotations

from dataclasses import astuple, dataclass
from decimal import Decimal

from costs.money import from_nano

TOKEN_FIELDS = (
    "input_tokens",
    "output_tokens",
    "cache_read_tokens",
    "cache_write_5m_tokens",
    "cache_write_1h_tokens",
)
SUMMED_FIELDS = ("requests", "cost_nano", *TOKEN_FIELDS)
"""What a rollup adds up, in the order of the fields of Totals."""


@dataclass(frozen=True, slots=True)
class Spend:
    """Requests and their cost in nano-dollars."""

    requests: int = 0
    cost_nano: int = 0

    @property
    def cost(self) -> Decimal:
        """The cost in dollars."""
        return from_nano(self.cost_nano)


@dataclass(frozen=True, slots=True)
class Totals(Spend):
    """A Spend with the tokens behind it, each kind apart."""

    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_5m_tokens: int = 0
    cache_write_1h_tokens: int = 0

    @property
    def tokens(self) -> int:
        """All tokens, those of the cache included."""
        return sum(astuple(self)[2:])
