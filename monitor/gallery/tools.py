"""What the tools page is made of."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.contrib.auth.models import User

from monitor.gallery.cast import LONG, NOON, ago
from monitor.gallery.errors import CALL, MANY, ONE
from monitor.periods import Period
from monitor.tools.address import ToolsAddress
from monitor.tools.failed_calls import FailedCall
from monitor.tools.figures import Change, Row, ToolName
from monitor.tools.page import Head, ToolsPage
from sessions.durations import bucket
from sessions.file_statistics import TouchedFile, TouchedFiles
from sessions.models import Session, ToolCall
from sessions.rollups import Sums
from sessions.spans import HOUR
from sessions.statistics import Point, Statistics, Tool

WORDS = "in the last 24 hours"
PERIOD = Period.parse("24h", NOON)
ADDRESS = ToolsAddress("", PERIOD)
STARTS = HOUR.starts(PERIOD.start, PERIOD.end)
DURATIONS = {bucket(round(40 * 2 ** (n / 2))): 9 - abs(n - 8) for n in range(17)}
TREND = {start: Point(n % 7 * 6, n % 7 * n // 12) for n, start in enumerate(STARTS)}


def row(name: str, calls: int, failures: int, before: int, **facts: Any) -> Row:
    known: dict[str, Any] = {
        "p50": 243.0,
        "p95": 6_300.0,
        "mean": 870.0,
        "durations": DURATIONS,
        "trend": TREND,
    }
    tool = Tool(name, calls, failures, **known | facts)
    return Row(tool, Sums(calls=before), STARTS, HOUR, "?", "?")


BASH = row("Bash", 1_870, 41, 1_650)
WORST = replace(row(LONG, 94, 48, 0), is_worst=True)
QUIET = row("Task", 3, 0, 3, p50=None, p95=None, mean=None, durations={}, trend={})
NAMES = {
    "plain": ToolName("Bash"),
    "of a server": ToolName("mcp__files__read_all"),
    "long": ToolName(LONG),
}
CHANGES = {
    "no range before": None,
    "more": Change(116, 100),
    "much more": Change(1_300, 100),
    "less": Change(75, 100),
    "the same": Change(100, 100),
    "not called before": Change(3, 0),
}
PICTURES: dict[str, dict[str, Any]] = {
    "small": {"title": "Calls", "text": BASH.trend_words, "id": "small"},
    "as wide as there is room": {"title": "Calls", "text": "", "id": "large", "large": True},
}
SESSION = Session(key="0199c1de", title="Fix the parser")
BARE = ToolCall(session=Session(key="0199c1df"), tool_name="Bash", started_at=ago(95))
FAILED = [
    FailedCall(
        ToolCall(
            session=SESSION,
            tool_name="Bash",
            started_at=ago(8),
            duration_ms=61_000,
            error_category="timeout",
        ),
        "?",
        "No answer in 60 s",
    ),
    FailedCall(BARE, "?", CALL.text),
]
FILES = [
    TouchedFile("src/parser.py", 8, 5, 1, 2, 12, ago(2), [SESSION, BARE.session]),
    TouchedFile("/workspace/" + "deep/" * 20 + "quotes.py", 1, 1, 0, 0, 1, ago(9), [SESSION]),
]


def page(tool: str = "", label: str = "24h", **facts: Any) -> dict[str, Any]:
    """As monitor.tools.page.ToolsPage, without what that asks the database for."""
    address = replace(ADDRESS, period=Period.parse(label, NOON), tool=tool)
    told = ToolsPage(address, User(), NOON)
    names = ("address", "period", "heads", "nothing", "back_url", "further_url")
    return {"page": {name: getattr(told, name) for name in names} | facts}


def table(*rows: Row, exact: bool) -> dict[str, Any]:
    return page(rows=rows, statistics=Statistics(tuple(row.tool for row in rows), exact))


STATES: dict[str, dict[str, dict[str, Any]]] = {
    "tools_table": {
        "full": table(BASH, WORST, QUIET, exact=True),
        "one alone, of a long range": table(BASH, exact=False),
    },
    "tools_head": {
        "sorted by it": {"head": Head("Calls", "?", "descending"), "num": True},
        "upward": {"head": Head("Tool", "?", "ascending"), "num": False},
        "not sorted by it": {"head": Head("p95", "?"), "num": True, "hint": "95 % are done by it"},
    },
    "tools_row": {
        "usual": {"row": BASH, "trend_id": "trend", "histogram_id": "durations"},
        "a long name, and the worst": {"row": WORST, "trend_id": "t", "histogram_id": "d"},
        "no durations known": {"row": QUIET, "trend_id": "t", "histogram_id": "d"},
    },
    "tools_name": {state: {"name": name} for state, name in NAMES.items()},
    "tools_change": {state: {"change": change} for state, change in CHANGES.items()},
    "tools_rate": {
        "none": {"rate": 0.0, "worst": False},
        "low": {"rate": 0.022, "worst": False},
        "high": {"rate": 0.1, "worst": False},
        "worst": {"rate": 0.511, "worst": True},
    },
    "tools_sparkline": {
        **{state: {"chart": BASH.trend, **told} for state, told in PICTURES.items()},
        "no call": {"chart": QUIET.trend, "title": "Calls", "text": "No calls.", "id": "none"},
    },
    "tools_histogram": {
        state: {"chart": BASH.histogram, **told} for state, told in PICTURES.items()
    },
    "tools_one": {
        "of a day": {"row": BASH, "exact": True, "period": PERIOD},
        "of a long range, no durations known": {"row": QUIET, "exact": False, "period": PERIOD},
    },
    "tools_notices": {
        "nothing to be said": page(running=0, kept_from=None),
        "calls under way, older ones pruned": page(running=3, kept_from=ago(900)),
    },
    "tools_empty": {
        "nothing in the range": page(),
        "one tool, nothing in the range": page("Bash"),
        "one tool, never called": page("Bash", "all"),
        "none ever": page(label="all"),
    },
    "tools_errors": {
        "full": {"failures": {"groups": [MANY, ONE]}, "words": WORDS},
        "empty": {"failures": {"groups": []}, "words": WORDS},
    },
    "tools_failed_calls": {
        "full": {"calls": FAILED, "words": WORDS},
        "empty": {"calls": [], "words": WORDS},
    },
    "tools_files": {
        "full": {"touched": TouchedFiles(FILES, None), "words": WORDS},
        "the newest calls alone": {"touched": TouchedFiles(FILES[:1], ago(900)), "words": WORDS},
        "empty": {"touched": TouchedFiles([], None), "words": WORDS},
    },
}
