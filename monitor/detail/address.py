from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self
from urllib.parse import urlencode

from django.http import HttpRequest
from django.utils.encoding import escape_uri_path


@dataclass(frozen=True)
class Address:
    """The URL of a detail: its path (quoted), and what of it is looked at."""

    path: str
    tool: str = ""
    failed: bool = False
    calls: int = 1
    log: int = 1

    @classmethod
    def of(cls, request: HttpRequest) -> Self:
        """What `request` asks for. Raises ValueError, with words for the reader, for nonsense."""
        asked = request.GET
        if "\0" in asked.get("tool", ""):
            raise ValueError("There is no such tool.")
        return cls(
            path=escape_uri_path(request.path),
            tool=asked.get("tool", ""),
            failed=asked.get("failed") == "1",
            calls=page_number(asked, "calls"),
            log=page_number(asked, "log"),
        )

    def to(self, **changes: Any) -> str:
        """The URL of the same detail after `changes` to what is looked at."""
        return str(replace(self, **changes))

    def __str__(self) -> str:
        state = {
            "tool": self.tool,
            "failed": "1" if self.failed else "",
            "calls": self.calls if self.calls > 1 else "",
            "log": self.log if self.log > 1 else "",
        }
        query = urlencode({name: value for name, value in state.items() if value})
        return f"{self.path}?{query}" if query else self.path


def page_number(asked: Mapping[str, str], name: str) -> int:
    text = asked.get(name, "1")
    if not re.fullmatch("[1-9][0-9]{0,8}", text):
        raise ValueError(f"There is no page “{text[:20]}”; the first one is 1.")
    return int(text)
