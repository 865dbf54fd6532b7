"""The new rollups, filled from what is there.

The calls that are kept fill the hours, and the durations of the days. The months have the calls and
failures of their days, and the histograms as they stood, which also tell of calls that were pruned:
the total of these is within 0.8 %, as what stands for a bucket is. What hours and days of pruned
calls took is not known any more.
"""

from collections import Counter, defaultdict
from datetime import UTC
from itertools import groupby

from django.db import migrations
from django.db.models import Sum
from django.db.models.functions import TruncMonth

from sessions.durations import bucket, packed, unpacked, value

CHUNK = 10_000


class Cell:
    def __init__(self):
        self.calls = self.failures = self.total_ms = 0
        self.durations = Counter()

    def count(self, duration, success):
        self.calls += 1
        self.failures += success is False
        if duration is not None:
            self.total_ms += duration
            self.durations[bucket(duration)] += 1

    def add(self, other):
        self.total_ms += other.total_ms
        self.durations.update(other.durations)

    @property
    def times(self):
        return {
            "timed": self.durations.total(),
            "total_ms": self.total_ms,
            "durations": packed(self.durations),
        }


def fill(apps, schema_editor):
    calls = apps.get_model("agent_sessions", "ToolCall").objects.order_by("started_at")
    rows = calls.values_list("started_at", "tool_name", "duration_ms", "success")
    months = defaultdict(Cell)
    for day, told in groupby(rows.iterator(CHUNK), lambda row: row[0].astimezone(UTC).date()):
        for tool, cell in fill_day(apps, day, told).items():
            months[tool, day.replace(day=1)].add(cell)
    fill_months(apps, months)


def fill_day(apps, day, calls):
    """Fill the hours of a day, and its durations; answers the day by tool."""
    hours, days = defaultdict(Cell), defaultdict(Cell)
    for start, tool, duration, success in calls:
        hour = start.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
        hours[tool, hour].count(duration, success)
    hour_model = apps.get_model("agent_sessions", "ToolHour")
    hour_model.objects.bulk_create(
        hour_model(
            tool_name=tool, hour=hour, calls=cell.calls, failures=cell.failures, **cell.times
        )
        for (tool, hour), cell in hours.items()
    )
    for (tool, _), cell in hours.items():
        days[tool].add(cell)
    stored = apps.get_model("agent_sessions", "ToolDay").objects.filter(day=day)
    for tool, cell in days.items():
        stored.filter(tool_name=tool).update(**cell.times)
    return days


def fill_months(apps, known):
    """`known` is what the calls that are kept took."""
    table = apps.get_model("agent_sessions", "ToolMonth")
    months = defaultdict(Cell)
    for row in apps.get_model("agent_sessions", "ToolDuration").objects.iterator(CHUNK):
        kept, cell = known[row.tool_name, row.month], months[row.tool_name, row.month]
        cell.durations[row.bucket] = row.calls
        pruned = row.calls - kept.durations[row.bucket]
        cell.total_ms += round(pruned * value(row.bucket))
    for key, cell in months.items():
        cell.total_ms = max(cell.total_ms + known[key].total_ms, 0)
    days = apps.get_model("agent_sessions", "ToolDay").objects.order_by()
    sums = days.annotate(month=TruncMonth("day")).values("tool_name", "month")
    table.objects.bulk_create(
        table(**row, **months[row["tool_name"], row["month"]].times)
        for row in sums.annotate(calls=Sum("calls"), failures=Sum("failures"))
    )


def empty(apps, schema_editor):
    """Back to a row for each bucket of a month."""
    table = apps.get_model("agent_sessions", "ToolDuration")
    table.objects.all().delete()
    table.objects.bulk_create(
        table(tool_name=row.tool_name, month=row.month, bucket=number, calls=count)
        for row in apps.get_model("agent_sessions", "ToolMonth").objects.all()
        for number, count in unpacked(row.durations).items()
    )
    for name in ("ToolHour", "ToolMonth"):
        apps.get_model("agent_sessions", name).objects.all().delete()


class Migration(migrations.Migration):

    dependencies = [
        ('agent_sessions', '0004_tool_hours_and_months'),
    ]

    operations = [
        migrations.RunPython(fill, empty),
    ]
