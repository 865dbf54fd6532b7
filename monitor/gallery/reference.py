"""Pieces of the page that describes the API, from what it truly describes."""

from __future__ import annotations

from typing import Any

from monitor.api.routes import described
from monitor.reference import reference

READ = reference(described(), "https://monitor.example.org")
GROUP = READ.groups[0]
OPERATION = next(each for group in READ.groups for each in group.operations if each.body)
assert OPERATION.body
TABLE = OPERATION.body.tables[0]

STATES: dict[str, dict[str, dict[str, Any]]] = {
    "reference_contents": {"as it is": {"group": GROUP}},
    "reference_operation": {"as it is": {"operation": OPERATION}},
    "reference_field": {"as it is": {"field": TABLE.fields[0], "place": ""}},
    "reference_table": {"as it is": {"table": TABLE}},
}
