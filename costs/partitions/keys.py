"""Keys that stand once over all partitions, which PostgreSQL itself promises within one alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from zlib import crc32

from django.db.backends.utils import CursorWrapper

from costs.partitions.months import TABLE, Month
from costs.usage import Key, Row

# So few that the locks of many writers fit into PostgreSQL's table of them.
BUCKETS = 256
# An arbitrary number that names the keys among PostgreSQL's advisory locks.
KEYS_LOCK = 0x1ED6E13
LOCK = f"""
    SELECT {{function}}({KEYS_LOCK}, bucket) FROM unnest(%s::int[]) AS bucket, pg_class
    WHERE oid = '{TABLE}'::regclass AND relkind = 'p'
"""


def claim(cursor: CursorWrapper, rows: Mapping[Key, Row], sealed_to: datetime) -> bool:
    """Keep others from booking the keys in another month until the transaction ends, where there
    are partitions; answers whether there are.

    To be called where `sealed_to` cannot move. One month is home to all who write beside each
    other: that of the mark. Within it the database tells which keys are new, so that who stays
    at home waits only for those who do not.
    """
    if cursor.db.vendor != "postgresql" or not rows:
        return False
    home = Month.of(sealed_to)
    at_home = all(row.timestamp in home for row in rows.values())
    function = "pg_advisory_xact_lock_shared" if at_home else "pg_advisory_xact_lock"
    cursor.execute(LOCK.format(function=function), [_buckets(rows)])
    return bool(cursor.rowcount)


def _buckets(keys: Iterable[Key]) -> list[int]:
    """In one order for all, lest two who claim lock each other out."""
    return sorted({crc32("\0".join(key).encode()) % BUCKETS for key in keys})
