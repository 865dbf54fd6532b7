"""Which end belongs to which start: the logs do not say, so tool, parameters and time decide.

The outcome does not depend on how the lines were spread over imports. An end may take any start
of its tool that is not later than SKEW after it; ends come in the order of their times, so what
an earlier end may take, a later one may take too, and it never matters to the number of
pairs which of them it took.
"""

from __future__ import annotations

import json
from bisect import bisect_left, bisect_right, insort
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Any

from tasks.redaction import clean

SKEW = timedelta(seconds=10)
NEVER = datetime.min.replace(tzinfo=UTC)  # of what has no time: before all that has


@dataclass(frozen=True, slots=True, order=True)
class Half:
    """A start or an end: one line of a log, in the order of the pairing.

    `at` is NEVER where neither its line nor one before it tells a time; `recorded` is then the
    time made up for it. `alike` is equal for equal parameters and blank without any; `kept` marks
    what an earlier import recorded.
    """

    at: datetime
    line: int
    tool: str = field(compare=False)
    recorded: datetime = field(compare=False)
    alike: str = field(compare=False, default="")
    kept: bool = field(compare=False, default=False)

    @property
    def is_dated(self) -> bool:
        return self.at > NEVER


def alike(parameters: Mapping[str, Any], *, cleaned: bool = False) -> str:
    """A digest of parameters as they are recorded; blank for none."""
    if not parameters:
        return ""
    kept = parameters if cleaned else clean(parameters)
    return blake2b(json.dumps(kept, sort_keys=True).encode(), digest_size=16).hexdigest()


class Pairing:
    """Starts that wait for their end, and ends that came before their start."""

    def __init__(self) -> None:
        self.starts: dict[tuple[str, str], list[Half]] = defaultdict(list)
        self.ends: dict[str, list[Half]] = defaultdict(list)

    def awaits(self, tool: str) -> bool:
        """Whether a start of the tool has no end yet."""
        return bool(self.starts.get((tool, "")))

    def begin(self, start: Half) -> Half | None:
        """The end before `start` that is its; without one it waits for an end to come."""
        ends = self.ends[start.tool]
        earliest = start.at - SKEW if start.is_dated else NEVER
        place = bisect_left(ends, earliest, key=_at) if ends and ends[0].is_dated else 0
        if place < len(ends):
            return ends.pop(place)
        self.wait(start)
        return None

    def wait(self, start: Half) -> None:
        for key in _keys(start):
            insort(self.starts[key], start)

    def finish(self, end: Half) -> Half | None:
        """The start that `end` belongs to; without one it is a call by itself."""
        start = self._alike(end) or _nearest(self.starts[end.tool, ""], end)
        if start is None:
            self.stand_alone(end)
            return None
        for key in _keys(start):
            found = self.starts[key]
            del found[bisect_right(found, start) - 1]
        return start

    def stand_alone(self, end: Half) -> None:
        insort(self.ends[end.tool], end)

    def _alike(self, end: Half) -> Half | None:
        """The nearest start with equal parameters; for an end without a time, none with one."""
        start = _nearest(self.starts[end.tool, end.alike], end) if end.alike else None
        return start if start is None or end.is_dated or not start.is_dated else None


def _at(half: Half) -> datetime:
    return half.at


def _keys(start: Half) -> set[tuple[str, str]]:
    return {(start.tool, ""), (start.tool, start.alike)}


def _nearest(starts: list[Half], end: Half) -> Half | None:
    """The last start at or before the end, else the first one soon after; else by order."""
    before = bisect_right(starts, end.at, key=_at)
    if before and end.is_dated and starts[before - 1].is_dated:
        return starts[before - 1]
    first = starts[0] if starts else None
    if first and end.is_dated and first.at > end.at + SKEW:
        return None
    return first
