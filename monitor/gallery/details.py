"""What the pages of a task and a session are made of."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from docsviewer.models import Document
from monitor.detail.actions import ACTIONS
from monitor.detail.family import Pruned
from monitor.detail.log import Entry
from monitor.detail.timeline import Choice, Line
from monitor.gallery.cast import DOLLAR, LONG, MODELS, NOON, ago, sheet, shown, totals
from sessions.models import Session, ToolCall
from sessions.planning import Plan, Step, StepStatus
from tasks.models import Attachment

HEAD = Session(id=1, key="0199c1de", title="Fix the parser", last_activity_at=NOON)
AGENT = Session(id=2, key="0199c1df", title="", agent="Explore", last_activity_at=ago(4))
HEAD.calls, HEAD.failures, AGENT.calls, AGENT.failures = 54, 8, 1, 0


def called(name: str, number: int, session: Session = HEAD, **facts: Any) -> Line:
    at = ago(number)
    over = facts.pop("is_over", False)
    call = ToolCall(id=number, session=session, tool_name=name, started_at=at, **facts)
    return Line(call, over, session is AGENT)


COMMAND = {"command": "make test", "description": "Run the tests"}
LINES = [
    called("Bash", 1, parameters=COMMAND, success=None),
    called("Read", 2, parameters={"file_path": "src/parser.py"}, success=True, duration_ms=38),
    called("Bash", 3, parameters=COMMAND, success=False, duration_ms=61_000, error="Exit code 1"),
    called("Grep", 4, AGENT, parameters={"pattern": "quote"}, success=True, duration_ms=212),
    called(LONG, 5, success=None, is_over=True),
    called("Edit", 6, success=False, error="No such text. " * 60, error_category="validation"),
]
ASKED = {"description": "Look for the quotes", "subagent_type": "Explore"}
DELEGATED = [
    called("Task", 7, parameters=ASKED, success=None),
    called("Task", 8, parameters=ASKED, success=True),
]
CHOICES = [
    Choice("All tools", "?", 54, True),
    Choice("Bash", "?tool=Bash", 30, False),
    Choice(LONG, "?tool=x", 2, False),
]
PLAN = Plan(
    (
        Step("Read the sources", StepStatus.COMPLETED),
        Step("Write a test that fails", StepStatus.IN_PROGRESS, "Writing a test"),
        Step("Put the parser right"),
    )
)
ENTRIES = [
    Entry(ago(1), "", "All tests pass", 212, 1),
    Entry(ago(2), "running", "Reading the sources", None, 3),
    Entry(ago(3), "pending", "", None, 1),
]
PAPER = Attachment(id=1, name="notes.md", size=258, created_at=ago(7))
PICTURE = Attachment(id=2, name="The page before", size=14_000, created_at=ago(7))
DOCUMENTS = [
    Document(path="guide.md", status="active", updated_at=ago(60)),
    Document(path="adr/0001.md", status="archived", updated_at=ago(600)),
]
FILES = [
    {"path": "src/parser.py", "reads": 5, "writes": 1, "edits": 2, "last": ago(2)},
    {"path": "src/a/rather/long/way/down/to/quotes.py", "reads": 1, "last": ago(9)}
    | dict.fromkeys(("writes", "edits"), 0),
]
INDEXED = [{"path": "README.md", "accesses": 1, "last_at": ago(900)}]
NONE = shown([])
WHOLE = {"pruned": Pruned(0, None, None)}
OLD = Pruned(48, ago(60 * 24 * 90), ago(60 * 24 * 30))


def timeline(**facts: Any) -> dict[str, Any]:
    """As monitor.detail.timeline.Timeline, which asks the database."""
    address = {"failed": False, "tool": ""}
    listed = {"lines": [], "tools": [], "sheet": sheet(), "failed_url": "?failed=1"}
    kept = {"family": WHOLE, "has_bare": False}
    return {"timeline": {"address": address, **listed, **kept, **facts}}


def log(**facts: Any) -> dict[str, Any]:
    """As monitor.detail.log.Log."""
    return {"log": {"family": WHOLE, "sheet": sheet(), **facts}, "empty": "Nothing was logged."}


def costs(costs: list[Any], tokens: list[Any]) -> dict[str, Any]:
    """As monitor.detail.work.Work."""
    return {"work": {"cost_nano": 17 * DOLLAR, "costs": costs, "call_tokens": tokens}}


STATES: dict[str, dict[str, dict[str, Any]]] = {
    "timeline": {
        "full": timeline(lines=LINES, tools=CHOICES, sheet=sheet(2, 3)),
        "empty": timeline(),
        "pruned": timeline(family={"pruned": OLD}),
        "no such calls": timeline(
            address={"failed": True, "tool": "Bash"}, tools=[Choice("Bash", "?", 0, True)]
        ),
    },
    "timeline_call": {line.outcome: {"line": line, "call": line.call} for line in LINES},
    "timeline_choice": {
        "chosen": {"choice": CHOICES[0], "id": 0},
        "not chosen": {"choice": CHOICES[1], "id": 1},
    },
    "timeline_summary": {line.call.tool_name[:20]: {"summary": line.summary} for line in LINES[:5]},
    "timeline_pruned": {
        "all": {"pruned": OLD, "has_bare": True},
        "bodies": {"pruned": replace(OLD, calls=0), "has_bare": True},
    },
    "plan_progress": {"as it is": {"plan": PLAN}},
    "log_entries": {
        "full": log(entries=ENTRIES, sheet=sheet(1, 4)),
        "empty": log(entries=[]),
        "pruned": log(entries=[], family={"pruned": OLD}),
    },
    "tokens_cost": {
        "some": costs([(MODELS[0], totals(16)), ("", totals(0, 1))], [("input", 120_000)]),
        "none": costs([], []),
    },
    "detail_sessions": {
        "some": {
            "shown": shown([(HEAD, "active"), (AGENT, "completed")], 3),
            "id": "sessions",
            "title": "Sessions",
        }
    },
    "detail_delegations": {"as it is": {"shown": shown(DELEGATED)}},
    "detail_documents": {
        "some": {"documents": shown(DOCUMENTS, 2), "papers": shown([PAPER])},
        "attached alone": {"documents": NONE, "papers": shown([PAPER], 1)},
    },
    "detail_screenshots": {"as it is": {"shown": shown([PICTURE], 2)}},
    "files_touched": {
        "of the calls": {"files": shown(FILES, 4), "imported": NONE},
        "imported": {"files": NONE, "imported": shown(INDEXED)},
    },
    "detail_fact": {
        "words": {"label": "Agent", "value": "claude-code", "code": False},
        "code": {"label": "Workspace", "value": "/home/dev/shop", "code": True},
    },
    "detail_text": {
        "as it is": {"id": "result", "title": "Result", "text": "The parser reads nested quotes."}
    },
    "detail_link": {
        "plain": {"url": "?", "text": "The task"},
        "as a button": {"url": "?", "text": "Attach a file", "kind": "detail-button"},
        "current": {"url": "?", "text": "Failed only", "kind": "toggle", "current": True},
    },
    "detail_pager": {
        "between": {
            "sheet": sheet(2, 3),
            "of": "the log",
            "name": "log",
            "anchor": "#log",
            "newer": "Newer",
            "older": "Older",
        }
    },
    "detail_clock": {"as it is": {"at": NOON}},
    "detail_confirm": {"as it is": {"action": ACTIONS["stop"], "path": "?", "csrf_token": ""}},
    "detail_attach": {
        "asked": {"path": "?", "fault": "", "csrf_token": ""},
        "refused": {"path": "?", "fault": "Choose a file to attach.", "csrf_token": ""},
    },
}
