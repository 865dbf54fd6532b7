"""The dearest sessions of a window: ranked by an index that holds their costs, then summed."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.backends.utils import CursorWrapper

from costs.sources import Only, parameters, selected, sources
from costs.totals import SUMMED_FIELDS, Totals
from costs.watermark import Watermark, consistently

RANKING = ("session_key", "cost_nano")
COLUMNS = ("session_key", *SUMMED_FIELDS)
SUMS = ", ".join(f"sum({field})" for field in SUMMED_FIELDS)
DEAREST_FIRST = "GROUP BY session_key ORDER BY sum(cost_nano) DESC, session_key"
RANKED = " AND session_key IN (SELECT session_key FROM ranked)"


def dearest(start: datetime, end: datetime, only: Only, top: int) -> list[tuple[str, Totals]]:
    """The `top` dearest sessions of what `only` says, the dearest first, equal ones by key."""
    rows = consistently(lambda cursor, mark: _read(cursor, start, end, mark, only, top))
    return [(key, Totals(*map(int, sums))) for key, *sums in rows]


def _read(
    cursor: CursorWrapper, start: datetime, end: datetime, mark: Watermark, only: Only, top: int
) -> list[tuple[Any, ...]]:
    places = sources(start, end, mark, only, "session_key")
    if not places:
        return []
    costs = " UNION ALL ".join(selected(place, RANKING, only) for place in places)
    parts = " UNION ALL ".join(selected(place, COLUMNS, only) + RANKED for place in places)
    values = parameters(places, only)
    cursor.execute(
        f"WITH ranked AS MATERIALIZED (SELECT session_key FROM ({costs}) AS cost"
        f" WHERE session_key <> '' {DEAREST_FIRST} LIMIT %s)"
        f" SELECT session_key, {SUMS} FROM ({parts}) AS part {DEAREST_FIRST}",
        [*values, top, *values],
    )
    return list(cursor.fetchall())
