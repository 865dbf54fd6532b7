"""What failed, in groups."""

from __future__ import annotations

from typing import Any

from monitor.errors import Failure, Group
from monitor.gallery.cast import ago, sheet

TRACE = 'Traceback (most recent call last):\n  File "import.py", line 12, in <module>\n' + (
    "    read(path)\n" * 30
)
TIMEOUT = Failure(ago(8), "Fix the parser", "/tasks/3ceb3ffd/", "No answer in 600 s", "timeout")
CALL = Failure(ago(95), "Bash in the session of the parser", "/sessions/0199c1de/", TRACE, "")
MANY = Group("f1", 12, ago(900), ago(8), [TIMEOUT] * 3, "?group=tasks:f1")
ONE = Group("f2", 1, ago(95), ago(95), [CALL], "?group=tasks:f2")


def listed(kind: str, title: str, **facts: Any) -> dict[str, Any]:
    """As monitor.errors.ErrorList, which asks the database."""
    groups: list[Group] = []
    return {"kind": kind, "title": title, "total": 0, "groups": groups, "sheet": sheet()} | facts


STATES: dict[str, dict[str, dict[str, Any]]] = {
    "error_list": {
        "full": {
            "list": listed("tasks", "Failed tasks", total=13, groups=[MANY, ONE], sheet=sheet(1, 2))
        },
        "empty": {"list": listed("calls", "Failed tool calls")},
    },
    "error_group": {
        "full": {
            "group": {"failures": [TIMEOUT, CALL], "back_url": "?", "sheet": sheet(2, 3)},
        },
        "empty": {"group": {"failures": [], "back_url": "?", "sheet": sheet(1, 0)}},
    },
    "error_links": {"as it is": {"failures": [TIMEOUT, CALL]}},
    "error_all": {"as it is": {"url": "?group=tasks:f1", "count": 12}},
    "error_text": {
        "short": {"text": "No answer in 600 s"},
        "long": {"text": TRACE},
        "none": {"text": ""},
    },
}
