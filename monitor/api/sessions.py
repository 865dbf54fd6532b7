"""Routes of the API that tell of sessions: figures of a range, and the tool calls of one."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from django.db.models import Count, Q, Sum
from django.utils import timezone
from dmr import Path, Query
from dmr.routing import path
from msgspec import Meta, Struct

from monitor.activity import figures
from monitor.api.calls import Calls, CallsQuery, SessionCall
from monitor.api.tools import Tools
from monitor.api.window import MAX_HOURS, Hours, HoursQuery, PageQuery, Span, window
from monitor.detail.family import Family
from monitor.selection import SESSION
from records.api import NOT_FOUND, Api, missing
from sessions.models import Session
from sessions.models.session import SessionQuerySet

RECENT = 20


class SessionName(Struct):
    key: str


class RecentSession(Struct):
    """`total_tools` and `errors` count all calls of the session, `blocked` is 0."""

    session_id: str
    total_tools: int
    blocked: int
    errors: int
    last_activity: datetime


class ClaudeSessions(Struct):
    """Code sessions that began in the window, and the tool calls that began in it.

    `errors` are calls that failed. `recent_sessions` are the 20 heard of last in the window.
    `blocked_operations` is 0: a call that a hook blocked is one that failed.
    """

    total_sessions: int
    total_tool_calls: int
    tools_by_type: dict[str, int]
    blocked_operations: int
    errors: int
    time_window_hours: int
    recent_sessions: list[RecentSession]


def claude_sessions(tools: Tools, hours: int) -> ClaudeSessions:
    """Of the last `hours`, of which `tools` tells."""
    heard = Session.objects.code().heard_between(*tools.span).order_by("-last_activity_at", "-pk")
    recent = [
        RecentSession(row.key, row.calls, 0, row.failures, row.last_activity_at)
        for row in heard[:RECENT]
    ]
    return ClaudeSessions(
        total_sessions=Session.objects.between(*tools.span).count(),
        total_tool_calls=tools.calls,
        tools_by_type=tools.by_type,
        blocked_operations=0,
        errors=tools.failures,
        time_window_hours=hours,
        recent_sessions=recent,
    )


class ClaudeSessionsApi(Api):
    tags = ("Figures",)

    def get(self, parsed_query: Query[HoursQuery]) -> ClaudeSessions:
        """Code sessions and their tool calls in the last `hours`.

        A session is one run of an agent's client, whether it works on a task or not; calls that
        hang on a task whose session is unknown are counted as calls, and make no session. A call is
        counted once, however many events it took.
        """
        hours = parsed_query.hours
        return claude_sessions(Tools(window(timezone.now(), hours=hours)), hours)


class CliSessionsQuery(PageQuery):
    """`minutes`, where given, takes the place of `hours`."""

    hours: Hours = 168
    minutes: Annotated[int, Meta(ge=1, le=60 * MAX_HOURS)] | None = None

    def span(self, now: datetime) -> Span:
        if self.minutes is None:
            return window(now, hours=self.hours)
        return window(now, minutes=self.minutes)


class CliSession(Struct):
    """A session with what its sub-agents did; `errors` are calls that failed."""

    session_id: str
    start_time: datetime
    last_activity: datetime
    duration_seconds: int
    tool_count: int
    errors: int
    status: str


class CliSessions(Struct):
    """The figures cover all sessions that match, not the page alone.

    `total_sessions` is the same as `total`.
    """

    total: int
    total_sessions: int
    active_sessions: int
    idle_sessions: int
    total_tool_calls: int
    time_window_hours: int
    sessions: list[CliSession]


def cli_page(sessions: SessionQuerySet, asked: PageQuery, now: datetime) -> list[CliSession]:
    rows = list(sessions.order_by("-last_activity_at", "-pk")[asked.cut])
    sums = figures((SESSION, row.key) for row in rows)
    return [
        CliSession(
            session_id=row.key,
            start_time=row.started_at,
            last_activity=row.last_activity_at,
            duration_seconds=int(row.duration.total_seconds()),
            tool_count=sums[SESSION, row.key].calls,
            errors=sums[SESSION, row.key].failures,
            status=row.status(now),
        )
        for row in rows
    ]


def counted(sessions: SessionQuerySet, now: datetime) -> dict[str, int]:
    """How many sessions there are, and how many of them are open and active at `now`."""
    every = Session.objects.all()
    states = {"open": every.open(now), "active": every.active(now)}
    return sessions.aggregate(
        total=Count("pk"),
        **{name: Count("pk", filter=Q(pk__in=state)) for name, state in states.items()},
    )


class CliSessionsApi(Api):
    tags = ("Figures",)

    def get(self, parsed_query: Query[CliSessionsQuery]) -> CliSessions:
        """Sessions that work on no known task, with news in the window, the newest activity first.

        A sub-agent is part of its parent's entry. Start, calls and errors are those of the whole
        session, not cut at the window. A session is active up to 5 minutes after its last activity,
        idle up to 30, then completed.
        """
        now = timezone.now()
        alone = Session.objects.standing_alone().heard_between(*parsed_query.span(now))
        counts = counted(alone, now)
        calls = alone.with_subagents().aggregate(calls=Sum("calls", default=0))["calls"]
        return CliSessions(
            total=counts["total"],
            total_sessions=counts["total"],
            active_sessions=counts["active"],
            idle_sessions=counts["open"] - counts["active"],
            total_tool_calls=int(calls),
            time_window_hours=parsed_query.hours,
            sessions=cli_page(alone, parsed_query, now),
        )


class SessionSummary(Struct):
    """Over all calls, not only those of the page; by type only those that are kept."""

    session_id: str
    total_tools_used: int
    tools_by_type: dict[str, int]
    tools_with_errors: int


class SessionToolUsage(Struct):
    session_id: str
    summary: SessionSummary
    tool_calls: list[SessionCall]
    has_logs: Annotated[bool, Meta(description="Whether there is any call.")]
    source: Annotated[str, Meta(description="Always “database”.")]


class OneSessionToolUsage(Api):
    tags = ("Sessions",)
    responses = (*Api.responses, NOT_FOUND)

    def get(
        self, parsed_path: Path[SessionName], parsed_query: Query[CallsQuery]
    ) -> SessionToolUsage:
        """The tool calls of a session and of all sub-agents below it.

        Every call is an entry of its own. A page holds up to 1,000 calls, the newest ones first;
        within it they are in the order in which they began.
        """
        key = parsed_path.key
        session = Session.objects.filter(key=key).first() if key.isprintable() else None
        if session is None:
            raise missing("Session")
        calls = Calls(Family("id", session.pk), parsed_query, timezone.now())
        return SessionToolUsage(
            session_id=key,
            summary=SessionSummary(key, calls.total, calls.by_type, calls.failures),
            tool_calls=calls.of_session(),
            has_logs=calls.total > 0,
            source="database",
        )


routes = [
    path("metrics/claude-sessions", ClaudeSessionsApi.as_view(), name="claude_sessions"),
    path("metrics/cli-sessions", CliSessionsApi.as_view(), name="cli_sessions"),
    path(
        "sessions/<path:key>/tool-usage", OneSessionToolUsage.as_view(), name="session_tool_usage"
    ),
]
