"""The spans of sessions: each session's hours summed, so that the dearest need not be sought."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from django.db import connection

from costs.models import SessionHour, SessionSpan
from costs.watermark import stored

TABLE, HOURS = SessionSpan._meta.db_table, SessionHour._meta.db_table
COLUMNS = "session_key, first_hour, last_hour, cost_nano"


def fold(rows: str, params: Sequence[Any]) -> None:
    """Add the shares of sessions that `rows`, SQL, selects in the form of COLUMNS."""
    with connection.cursor() as cursor:
        cursor.execute(_upsert(rows), params)


def add(shares: Iterable[tuple[str, datetime, int]]) -> None:
    """Add late shares: key, time and cost. Summed first and in a fixed order, as the cells are."""
    sessions: dict[str, list[tuple[datetime, int]]] = defaultdict(list)
    for key, at, cost in shares:
        sessions[key].append((at, cost))
    hour = SessionHour.floor
    rows = [
        (key, stored(hour(min(parts)[0])), stored(hour(max(parts)[0])), sum(c for _, c in parts))
        for key, parts in sorted(sessions.items())
    ]
    with connection.cursor() as cursor:
        cursor.executemany(_upsert("VALUES (%s, %s, %s, %s)"), rows)


def summed(hours: str = HOURS) -> str:
    """SQL that sums the hours of each session into rows of COLUMNS."""
    return (
        "SELECT session_key, min(start) AS first_hour, max(start) AS last_hour,"
        f" sum(cost_nano) AS cost_nano FROM {hours} GROUP BY session_key"
    )


def rebuild(which: str = "1 = 1", params: Sequence[Any] = ()) -> None:
    """Sum the hours anew, of the sessions for which `which`, SQL over `session_key`, holds."""
    with connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM {TABLE} WHERE {which}", params)
        cursor.execute(
            f"INSERT INTO {TABLE} ({COLUMNS}) {summed(f'{HOURS} WHERE {which}')}", params
        )


def _upsert(rows: str) -> str:
    earlier = f"EXCLUDED.first_hour < {TABLE}.first_hour"
    later = f"EXCLUDED.last_hour > {TABLE}.last_hour"
    return (
        f"INSERT INTO {TABLE} ({COLUMNS}) {rows} ON CONFLICT (session_key) DO UPDATE SET"
        f" first_hour = CASE WHEN {earlier} THEN EXCLUDED.first_hour"
        f" ELSE {TABLE}.first_hour END,"
        f" last_hour = CASE WHEN {later} THEN EXCLUDED.last_hour ELSE {TABLE}.last_hour END,"
        f" cost_nano = {TABLE}.cost_nano + EXCLUDED.cost_nano"
    )
