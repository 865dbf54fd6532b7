from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Sheet:
    """One page of a long list of rows, of which there are `count`; `url` links to another page."""

    rows: Any
    size: int
    asked: int
    count: int
    url: Callable[[int], str]

    def __iter__(self) -> Iterator[Any]:
        start = (self.number - 1) * self.size
        return iter(self.rows[start : start + self.size])

    @property
    def pages(self) -> int:
        return max(1, -(-self.count // self.size))

    @property
    def number(self) -> int:
        """The page shown: the last one where a later one was asked for."""
        return min(self.asked, self.pages)

    @property
    def newer_url(self) -> str:
        return self.url(self.number - 1) if self.number > 1 else ""

    @property
    def older_url(self) -> str:
        return self.url(self.number + 1) if self.number < self.pages else ""
