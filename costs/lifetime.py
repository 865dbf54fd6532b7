"""What users have cost in all their time, and in the session of their newest record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.backends.utils import CursorWrapper
from django.db.models import Max, Min, Sum

from costs.instants import EPOCH, FOREVER
from costs.models import CostRecord, UserModelMonth
from costs.sources import RECORDS, Only, Source, months, read
from costs.totals import SUMMED_FIELDS, Uncached
from costs.watermark import Watermark, consistently

FIELDS = SUMMED_FIELDS[:4]


@dataclass(frozen=True, slots=True)
class Session:
    """What a user spent in one session, in nano-dollars, and from when to when."""

    cost_nano: int
    first: datetime
    last: datetime

    @property
    def duration(self) -> str:
        """In minutes or hours, as “12m” or “1.5h”."""
        minutes = (self.last - self.first).total_seconds() / 60
        return f"{minutes:.0f}m" if minutes < 60 else f"{minutes / 60:.1f}h"


def by_model(users: Sequence[str] | None = None) -> dict[str, dict[str, Uncached]]:
    """What each of `users`, or all, have spent on each model, pruned records included.

    The model "" is none, or, of what was pruned before models were kept by user, not known.
    """
    if users is not None and not users:
        return {}
    only = {} if users is None else {"user_id": tuple(users)}
    told: dict[str, dict[str, Uncached]] = {}
    rows = consistently(lambda cursor, mark: _by_model(cursor, mark, only))
    for user, model, *sums in sorted(rows):
        told.setdefault(user, {})[model] = Uncached(*map(int, sums))
    return told


def _by_model(cursor: CursorWrapper, mark: Watermark, only: Only) -> list[Any]:
    keys = UserModelMonth.keys
    sealed, rest = months(keys, EPOCH, mark.sealed_to, mark), (mark.sealed_to, FOREVER)
    return read(cursor, [sealed, Source(RECORDS, "timestamp", keys, rest)], FIELDS, only)


def last_sessions(users: Sequence[str]) -> dict[str, Session]:
    """The session of the newest record of each of `users`, of those whose record names one.

    As far back as its raw records are kept.
    """
    keys = _newest_keys(users)
    # By their keys alone, lest all records of the users are looked at; and no blank key, in the
    # words of the partial index, which would not be used without.
    records = CostRecord.objects.filter(session_key__in=keys.values()).exclude(session_key="")
    sums = (Sum("cost_nano"), Min("timestamp"), Max("timestamp"))
    rows = records.values_list("user_id", "session_key").annotate(*sums)
    return {
        user: Session(int(cost), *span) for user, key, cost, *span in rows if keys.get(user) == key
    }


def _newest_keys(users: Sequence[str]) -> dict[str, str]:
    """The key of that session, by user: one step into the index of users and times for each."""
    if not users:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(
            f"WITH asked (name) AS (VALUES {', '.join(['(%s)'] * len(users))})"
            f" SELECT user_id, session_key FROM {RECORDS} WHERE session_key <> '' AND id IN ("
            f"SELECT (SELECT id FROM {RECORDS} WHERE user_id = name"
            " ORDER BY timestamp DESC LIMIT 1) FROM asked)",
            users,
        )
        return dict(cursor.fetchall())
