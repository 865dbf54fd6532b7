"""Which documents the list shows, as its address says."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self
from urllib.parse import urlencode

SHOWN = {"all": "All", "active": "Active", "archived": "Archive"}
DEFAULT = "active"
MAX_TEXT = 200


@dataclass(frozen=True)
class Selection:
    show: str = DEFAULT
    text: str = ""
    page: int = 1

    @classmethod
    def parse(cls, asked: Mapping[str, str]) -> Self:
        """From the parameters `show`, `q` and `page` of an address.

        Raises ValueError, with words for the reader, for a value that means nothing.
        """
        show, page = asked.get("show", DEFAULT), asked.get("page", "1")
        text = asked.get("q", "").strip()
        if show not in SHOWN:
            raise ValueError(f"There is no list “{show[:20]}”; choose {', '.join(SHOWN)}.")
        if len(text) > MAX_TEXT or "\0" in text:
            raise ValueError(f"Search for a text of up to {MAX_TEXT} characters.")
        if not re.fullmatch("[1-9][0-9]{0,8}", page):
            raise ValueError(f"There is no page “{page[:20]}”; the first one is 1.")
        return cls(show, text, int(page))

    def query(self, **changes: str | int) -> str:
        """The query string of this list with `changes`: of its first page, unless told."""
        state = {"show": self.show, "q": self.text} | changes
        return "?" + urlencode({name: value for name, value in state.items() if value})

    def holds(self, is_archived: bool) -> bool:
        return self.show == "all" or is_archived == (self.show == "archived")
