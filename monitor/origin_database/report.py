from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

TABLES = {
    "tasks": "tasks",
    "activity_log": "lines of their logs",
    "agent_status": "changes of status",
    "tool_usage": "tool calls",
    "files": "files",
    "documents": "documents",
}
MOST_LISTED = 20


@dataclass(slots=True)
class Line:
    """What became of the rows of one table; each row read is in just one of the other counts."""

    noun: str
    read: int = 0
    added: int = 0
    there: int = 0
    merged: int = 0
    refused: int = 0

    @property
    def kept(self) -> int:
        """How many of what the table told of must be in the database."""
        return self.added + self.there

    @property
    def is_balanced(self) -> bool:
        return self.read == self.added + self.there + self.merged + self.refused


@dataclass(frozen=True, slots=True)
class NotTaken:
    """A row that was left out, and why."""

    table: str
    id: str
    cause: str


@dataclass(slots=True)
class Report:
    """What one import read and did. Of the rows left out the first MOST_LISTED are listed."""

    dry_run: bool
    version: int = 0
    lines: dict[str, Line] = field(
        default_factory=lambda: {table: Line(noun) for table, noun in TABLES.items()}
    )
    left_out: list[NotTaken] = field(default_factory=list)
    notes: Counter[str] = field(default_factory=Counter)
    sessions: Counter[str] = field(default_factory=Counter)
    bystanders: dict[str, int] = field(default_factory=dict)

    def refuse(self, table: str, id: object, cause: object, rows: int = 1) -> None:
        """Count `rows` of a table as left out, and list them as one."""
        self.lines[table].refused += rows
        if len(self.left_out) < MOST_LISTED:
            self.left_out.append(NotTaken(table, str(id)[:100], str(cause)))

    def book(self, table: str, *, added: int, there: int, merged: int = 0) -> None:
        line = self.lines[table]
        line.added += added
        line.there += there
        line.merged += merged

    @property
    def added(self) -> int:
        return sum(line.added for line in self.lines.values())

    @property
    def refused(self) -> int:
        return sum(line.refused for line in self.lines.values())
