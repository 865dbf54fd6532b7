"""Routes of the API that tell of figures."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from django.utils import timezone
from dmr import Query
from dmr.routing import path
from msgspec import Meta, Struct

from monitor.api.series import DAY, Point, points
from monitor.api.spending import Spending, SpendingByUser, spending, spending_by_user
from monitor.api.statistics import (
    SystemHealth,
    TaskStatistics,
    ToolUsage,
    system_health,
    task_statistics,
    tool_usage,
)
from monitor.api.tools import Tools
from monitor.api.window import HoursQuery, window
from records.api import Api


class OverviewFigures(Struct):
    """`claude_api_usage` is that of /api/metrics/claude-api without its users."""

    timestamp: datetime
    task_statistics: TaskStatistics
    tool_usage: ToolUsage
    system_health: SystemHealth
    claude_api_usage: Spending


def overview_figures(now: datetime, tools: Tools, hours: int) -> OverviewFigures:
    """As of `now`, and of the last `hours`, of which `tools` tells."""
    return OverviewFigures(
        timestamp=now,
        task_statistics=task_statistics(now),
        tool_usage=tool_usage(tools, hours),
        system_health=system_health(now),
        claude_api_usage=spending(tools.span, hours),
    )


class OverviewApi(Api):
    tags = ("Figures",)

    def get(self, parsed_query: Query[HoursQuery]) -> OverviewFigures:
        """All figures at once: tasks, tools and cost in the last `hours`, and the system itself.

        Every success_rate is on the scale 0 to 100.
        """
        now, hours = timezone.now(), parsed_query.hours
        return overview_figures(now, Tools(window(now, hours=hours)), hours)


class ClaudeApi(Api):
    tags = ("Figures",)

    def get(self, parsed_query: Query[HoursQuery]) -> SpendingByUser:
        """What requests to models cost: over all time, in the last `hours`, by model and by user.

        Lifetime figures cover pruned records and those carried forward by an import. At most the
        100 users of the greatest lifetime cost are told.
        """
        now, hours = timezone.now(), parsed_query.hours
        return spending_by_user(window(now, hours=hours), hours, now)


class TaskStatisticsApi(Api):
    tags = ("Figures",)

    def get(self) -> TaskStatistics:
        """Tasks by status over all time, how many ended well, and those of the last 24 hours.

        The success rate is on the scale 0 to 100; tasks that were stopped count in neither part of
        it.
        """
        return task_statistics(timezone.now())


class ToolUsageApi(Api):
    tags = ("Figures",)

    def get(self, parsed_query: Query[HoursQuery]) -> ToolUsage:
        """Tool calls in the last `hours` by tool, and what agents reported of their states.

        The success rate is on the scale 0 to 100: calls that did not fail, as a share of all.
        """
        hours = parsed_query.hours
        return tool_usage(Tools(window(timezone.now(), hours=hours)), hours)


class TimeseriesQuery(HoursQuery):
    interval: Annotated[int, Meta(ge=1, le=DAY, description="Minutes.")] = 60


class Timeseries(Struct):
    time_window_hours: int
    interval_minutes: int
    data_points: list[Point]


class TimeseriesApi(Api):
    tags = ("Figures",)

    def get(self, parsed_query: Query[TimeseriesQuery]) -> Timeseries:
        """Figures over time, one point for each `interval`: as many points as fill `hours`.

        Points begin on multiples of the interval in UTC, and the last one is still filling. At most
        1,000 are told; what would give more is refused, with the interval to take. Tasks are
        counted by the time at which they finished, tool calls by that at which they began. Where
        cost records are pruned, an interval that is not of whole hours tells an hour's requests
        where it begins; where tool calls are, only intervals of whole hours tell of them.
        """
        hours, interval = parsed_query.hours, parsed_query.interval
        return Timeseries(hours, interval, points(timezone.now(), hours, interval))


routes = [
    path("metrics/overview", OverviewApi.as_view(), name="overview"),
    path("metrics/claude-api", ClaudeApi.as_view(), name="claude_api"),
    path("metrics/tasks", TaskStatisticsApi.as_view(), name="task_statistics"),
    path("metrics/tools", ToolUsageApi.as_view(), name="tool_usage"),
    path("metrics/timeseries", TimeseriesApi.as_view(), name="timeseries"),
]
