"""The dearest sessions of a window, the cost of each within it.

Of a short window all sessions are summed. Of a long one only those that can be among the dearest:
in the order of what they cost in all, down to the last of so many that lie wholly within it. What
a session cost in a window is not more than that, but for records that are not sealed yet; sessions
with such are summed in any case.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.backends.utils import CursorWrapper

from costs import spans
from costs.instants import DAY, FOREVER, ceil_hour, floor_hour
from costs.pieces import widened
from costs.sources import RECORDS, Only, parameters, selected, sources
from costs.totals import SUMMED_FIELDS, Totals
from costs.watermark import Watermark, consistently, stored

LONG = DAY  # from here on fewer sessions are passed over than there are hours to sum
COLUMNS = ("session_key", *SUMMED_FIELDS)
SUMS = ", ".join(f"sum({field})" for field in SUMMED_FIELDS)
DEAREST_FIRST = "GROUP BY session_key ORDER BY sum(cost_nano) DESC, session_key LIMIT %s"
# The least dear of the first sessions wholly within, then all that overlap and are as dear in all.
LIKELY = f"""
    WITH least AS MATERIALIZED (
        SELECT cost_nano, session_key FROM {spans.TABLE}
        WHERE first_hour >= %s AND last_hour < %s
        ORDER BY cost_nano DESC, session_key LIMIT 1 OFFSET %s
    ), likely AS MATERIALIZED (
        SELECT session_key FROM {spans.TABLE} AS span
        WHERE cost_nano >= coalesce((SELECT cost_nano FROM least), 0)
        AND last_hour >= %s AND first_hour < %s
        AND NOT EXISTS (
            SELECT 1 FROM least
            WHERE least.cost_nano = span.cost_nano AND least.session_key < span.session_key
        )
        UNION SELECT session_key FROM {RECORDS} WHERE timestamp >= %s AND timestamp < %s
    )
"""


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
    likely, among, values = "", "", []
    if not only and end - start >= LONG:
        likely, among = LIKELY, " AND session_key IN (SELECT session_key FROM likely)"
        values = _bounds(*widened(start, end, mark), mark, top)
    parts = " UNION ALL ".join(selected(place, COLUMNS, only) + among for place in places)
    cursor.execute(
        f"{likely} SELECT session_key, {SUMS} FROM ({parts}) AS part"
        f" WHERE session_key <> '' {DEAREST_FIRST}",
        [*values, *parameters(places, only), top],
    )
    return list(cursor.fetchall())


def _bounds(start: datetime, end: datetime, mark: Watermark, top: int) -> list[Any]:
    """The parameters of LIKELY: hours wholly within, the place, hours touched, what is unsealed."""
    within = ceil_hour(start), FOREVER if end >= mark.sealed_to else floor_hour(end)
    touched = floor_hour(start), end
    unsealed = max(start, mark.sealed_to), end
    return [
        *map(stored, within),
        top - 1,
        *map(stored, (*touched, *unsealed)),
    ]
