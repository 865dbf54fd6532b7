"""Figures, shares and costs."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from monitor.gallery.cast import DOLLAR, LONG, MODELS, totals
from monitor.overview import Overview
from monitor.ranking import Row
from sessions.statistics import Tool

BY_MODEL = [
    Row(MODELS[0], totals(359.68, 67), 0.594),
    Row(MODELS[1], totals(165.61), 0.274),
    Row("", totals(0, 9), 0.0),
]
BY_USER = [Row("100000002", totals(143.46), 0.58), Row("u" * 64, totals(101.58), 0.42)]
TOOLS = [
    (Tool("Bash", 870, 9, 243, 6_300), timedelta(milliseconds=243), timedelta(seconds=6.3)),
    (Tool(LONG, 94, 48, 286, 4_200), timedelta(milliseconds=286), timedelta(seconds=4.2)),
    (Tool("Task", 3, 0, None, None), None, None),
]

STATES: dict[str, dict[str, dict[str, Any]]] = {
    "stat": {
        "a figure": {
            "label": "API Requests",
            "value": "324",
            "hint": "Requests to a model in the range",
            "alert": False,
            "link": "",
        },
        "bad news, with what is behind it": {
            "label": "Errors (24h)",
            "value": "4",
            "hint": "Tasks that failed in the range",
            "alert": True,
            "link": "/errors/?range=24h",
        },
    },
    "stats": {
        "busy": {"overview": Overview(4, 27, 8, 4, 605 * DOLLAR, 324, 832, 27), "range": "24h"},
        "quiet": {"overview": Overview(0, 0, 0, 0, 0, 0, 0, 0), "range": "7d"},
    },
    "trend": {
        "more": {"change": 0.016, "words": "24 hours", "url": ""},
        "much more": {"change": 12.0, "words": "7 days", "url": "?"},
        "less": {"change": -0.25, "words": "7 days", "url": "?"},
        "the same": {"change": 0.0, "words": "30 days", "url": ""},
    },
    "share": {"none": {"share": 0.0}, "some": {"share": 0.274}, "all": {"share": 1.0}},
    "model_table": {"full": {"rows": BY_MODEL}, "empty": {"rows": []}},
    "user_table": {"full": {"rows": BY_USER}, "empty": {"rows": []}},
    "tool_table": {"full": {"rows": TOOLS}},
    "unpriced": {
        "one": {"models": [("my-own-model", 9)]},
        "many": {"models": [(f"model-{n}", n) for n in range(9, 1, -1)]},
    },
}
