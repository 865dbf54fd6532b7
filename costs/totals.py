from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from operator import attrgetter

from costs.money import from_nano

CACHE_FIELDS = ("cache_read_tokens", "cache_write_5m_tokens", "cache_write_1h_tokens")
TOKEN_FIELDS = ("input_tokens", "output_tokens", *CACHE_FIELDS)
SUMMED_FIELDS = ("requests", "cost_nano", *TOKEN_FIELDS)
"""What a rollup adds up, in the order of the fields of Totals."""
FIGURES, TOKENS = attrgetter(*SUMMED_FIELDS), attrgetter(*TOKEN_FIELDS)


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
class Uncached(Spend):
    """A Spend with the tokens that touched no cache."""

    input_tokens: int = 0
    output_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Totals(Uncached):
    """A Spend with the tokens behind it, each kind apart."""

    cache_read_tokens: int = 0
    cache_write_5m_tokens: int = 0
    cache_write_1h_tokens: int = 0

    @property
    def tokens(self) -> int:
        """All tokens, those of the cache included."""
        return sum(TOKENS(self))

    @property
    def is_cached(self) -> bool:
        """Whether any of the tokens were written to the cache or read from it."""
        return any(getattr(self, field) for field in CACHE_FIELDS)


def added(sums: Iterable[Totals]) -> Totals:
    return Totals(*map(sum, zip(*map(FIGURES, sums), strict=True)))
