"""What the live stream tells to programs: the state of now, encoded once for all who listen."""

from __future__ import annotations

from datetime import datetime

import msgspec
from django.utils import timezone
from msgspec import Struct

from monitor.api.log import Told, told_last
from monitor.api.metrics import OverviewFigures, overview_figures
from monitor.api.sessions import ClaudeSessions, claude_sessions
from monitor.api.tools import Tools
from monitor.api.window import window

ACTIVITY = 8
ENCODER = msgspec.json.Encoder(decimal_format="number")


class Snapshot(Struct):
    """`overview` and `sessions` as /api/metrics/overview and /api/metrics/claude-sessions."""

    overview: OverviewFigures
    sessions: ClaudeSessions
    activity: list[Told]
    timestamp: datetime


def snapshot(hours: int) -> bytes:
    """A Snapshot of the last `hours` as JSON on one line, in as many queries whatever there is."""
    now = timezone.now()
    tools = Tools(window(now, hours=hours))
    return ENCODER.encode(
        Snapshot(
            overview=overview_figures(now, tools, hours),
            sessions=claude_sessions(tools, hours),
            activity=told_last(ACTIVITY, now),
            timestamp=now,
        )
    )
