"""Sums by name, the dearest first, each with its share of the whole."""

from __future__ import annotations

from dataclasses import dataclass

from costs.totals import Totals, added

TOP = 20


@dataclass(frozen=True)
class Row:
    """One model or user with its share of the cost of all, 0 to 1; or all that come after."""

    name: str
    totals: Totals
    share: float
    is_rest: bool = False

    @property
    def cache_write_tokens(self) -> int:
        return self.totals.cache_write_5m_tokens + self.totals.cache_write_1h_tokens


def ranked(sums: dict[str, Totals], top: int = TOP) -> list[Row]:
    """The dearest first; what comes after the first `top` is one last row."""
    whole = sum(totals.cost_nano for totals in sums.values()) or 1
    order = by_cost(sums)
    rows = [Row(name, totals, totals.cost_nano / whole) for name, totals in order[:top]]
    if rest := [totals for _, totals in order[top:]]:
        left = added(rest)
        rows.append(Row(f"{len(rest)} more", left, left.cost_nano / whole, is_rest=True))
    return rows


def by_cost(sums: dict[str, Totals]) -> list[tuple[str, Totals]]:
    return sorted(sums.items(), key=lambda item: (-item[1].cost_nano, -item[1].requests, item[0]))
