"""A ledger in partitions, and a whole one again."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from costs import ledger, partitions, windows
from costs.models import CostRecord
from costs.usage import Usage
from costs.windows import EPOCH, FOREVER

NOW = datetime(2026, 2, 14, 12, 30, tzinfo=UTC)
AHEAD = 2
on_postgresql = pytest.mark.skipif(connection.vendor == "sqlite", reason="has no partitions")


def usage(timestamp, **fields):
    plain = {"user_id": "ann", "model": "haiku", "input_tokens": 10, "output_tokens": 1, "cost": 1}
    return Usage(timestamp=timestamp, **plain | fields)


def fill():
    """A record every third day of half a year, some with keys, and some of other centuries."""
    usages = [
        usage(
            NOW - timedelta(days=3 * number, microseconds=number),
            user_id=f"user-{number % 4}",
            model=["haiku", "", "tab\t“quoted”"][number % 3],
            session_key=f"session-{number % 7}" if number % 2 else "",
            source_id=f"key-{number}" if number % 5 else None,
            cost=number,
        )
        for number in range(60)
    ]
    usages += [usage(datetime(year, 6, 1, tzinfo=UTC)) for year in (1970, 2090, 9998)]
    ledger.record_many(usages)
    ledger.seal(NOW - timedelta(days=40))


def figures():
    """What pages and limits ask for, of windows that cut months and days."""
    spans = [(EPOCH, FOREVER)]
    spans += [
        (NOW - timedelta(days=days, minutes=7), NOW - timedelta(days=days // 3, seconds=1))
        for days in (1, 10, 45, 100, 200)
    ]
    asked = (windows.totals, windows.by_user, windows.by_model, windows.by_type)
    return [ask(*span) for ask in asked for span in spans]


def rows():
    return list(CostRecord.objects.order_by("id").values_list())


def names():
    return [str(month) for month in partitions.months()]


def make_whole():
    """The table as the migrations leave it, without rows."""
    if partitions.is_partitioned():
        with connection.schema_editor() as editor:
            editor.execute(f"DROP TABLE {CostRecord._meta.db_table}")
            editor.create_model(CostRecord)
