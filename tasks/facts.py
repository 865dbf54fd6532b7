"""What events tell of a task or a session besides its state: the latest word on each counts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Protocol


class Described(Protocol):
    facts_at: dict[str, str]
    """For each fact, the time of the event that told it (UTC, in text that sorts)."""


def learn(row: Described, facts: Mapping[str, Any], at: datetime) -> bool:
    """Set each fact of `row` on which there was no later word; answers whether any changed.

    Blank and None tell nothing. Of two words at one time the greater text counts, so that the
    outcome does not depend on the order in which events arrive.
    """
    stamp = at.astimezone(UTC).isoformat(timespec="microseconds")
    told = {
        name: value
        for name, value in facts.items()
        if value not in ("", None)
        and (stamp, str(value)) > (row.facts_at.get(name, ""), str(getattr(row, name)))
    }
    for name, value in told.items():
        setattr(row, name, value)
    if told:  # a new object: the old one may be shared with a default
        row.facts_at = row.facts_at | dict.fromkeys(told, stamp)
    return bool(told)
