from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

MOST_PLACES = 20


@dataclass(slots=True)
class Counts:
    """Lines read, and what they came to. A blocked call has ended without a post line."""

    pre: int = 0
    post: int = 0
    blocked: int = 0
    added: int = 0
    completed: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            self.pre + other.pre,
            self.post + other.post,
            self.blocked + other.blocked,
            self.added + other.added,
            self.completed + other.completed,
        )


@dataclass(slots=True)
class FolderLine:
    """What an import read in one session's folder, by tool, and what it could not read."""

    key: str
    tools: dict[str, Counts] = field(default_factory=dict)
    unreadable: int = 0
    torn: int = 0

    @property
    def counts(self) -> Counts:
        return sum(self.tools.values(), Counts())

    @property
    def has_news(self) -> bool:
        return bool(self.tools or self.unreadable or self.torn)

    def tool(self, name: str) -> Counts:
        return self.tools.setdefault(name, Counts())


@dataclass(slots=True)
class Report:
    """What one import read and did; `places` name at most MOST_PLACES lines that were no calls."""

    lines: list[FolderLine] = field(default_factory=list)
    notes: Counter[str] = field(default_factory=Counter)
    places: list[str] = field(default_factory=list)
    more_places: int = 0
    hints: list[str] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)

    @property
    def counts(self) -> Counts:
        return sum((line.counts for line in self.lines), Counts())

    def by_tool(self) -> dict[str, Counts]:
        """Over all folders, the tool with the most lines first."""
        tools: dict[str, Counts] = {}
        for line in self.lines:
            for name, counts in line.tools.items():
                tools[name] = tools.get(name, Counts()) + counts
        return dict(sorted(tools.items(), key=lambda tool: (-tool[1].post, -tool[1].pre, tool[0])))

    def list_place(self, place: str) -> None:
        """Note a line that was no call, by where it stands and what is the matter with it."""
        if len(self.places) < MOST_PLACES:
            self.places.append(place)
        else:
            self.more_places += 1
