"""Notices, forms and what stands where there is nothing."""

from __future__ import annotations

from typing import Any

from django import forms

from monitor.gallery.cast import NOON
from monitor.periods import Period
from monitor.selection import Selection


class Sample(forms.Form):
    name = forms.CharField(help_text="As it is written on the bill.")
    limit = forms.RegexField(r"^\d+$", label="Dollars a day")


FILLED = Sample({"name": "nightly bot", "limit": "ten"})

STATES: dict[str, dict[str, dict[str, Any]]] = {
    "notice": {
        "told": {"text": "Older records are pruned.", "kind": "info"},
        "done": {"text": "Your password was changed.", "kind": "success"},
        "to heed": {"text": "There is no folder docs/.", "kind": "warning"},
        "failed": {"text": "This task is not running any more.", "kind": "error"},
    },
    "empty": {
        "alone": {"text": "No task or session was recorded yet.", "query": "", "words": ""},
        "with a way out": {
            "text": "No match in this list.",
            "query": "?show=all&q=parser",
            "words": "Look in all lists",
        },
    },
    "problem": {"as it is": {"title": "Not found", "text": "There is no page at this address."}},
    "field": {
        "empty, with help": {"field": Sample()["name"]},
        "filled": {"field": FILLED["name"]},
        "refused": {"field": FILLED["limit"]},
    },
    "search": {
        "empty": {"selection": Selection(Period.parse("24h", NOON), NOON)},
        "filled": {"selection": Selection(Period.parse("24h", NOON), NOON, text="parser")},
    },
    "first_steps": {"as it is": {"usage_json": "data/usage.json"}},
}
