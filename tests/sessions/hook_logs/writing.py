"""Hook logs as the hooks write them, in folders of the test's own."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

BASE = datetime(2025, 10, 18, 12, 0, tzinfo=UTC)
PRE, POST = "pre_tool_use.jsonl", "post_tool_use.jsonl"


def at(seconds: float) -> datetime:
    return BASE + timedelta(seconds=seconds)


def stamp(seconds: float | None) -> str | None:
    """As a hook writes it: to the second where it is whole, else to the microsecond."""
    return None if seconds is None else at(seconds).isoformat().replace("+00:00", "Z")


def pre(seconds: float | None, tool: str = "Bash", **more: Any) -> str:
    told = {"timestamp": stamp(seconds), "tool": tool, "parameters": {}, "status": "starting"}
    return json.dumps(told | more)


def post(seconds: float | None, tool: str = "Bash", **more: Any) -> str:
    told = {"timestamp": stamp(seconds), "tool": tool, "output_length": 0, "has_error": False}
    return json.dumps(told | more)


class Logs:
    """A folder logs/sessions."""

    def __init__(self, root: Path) -> None:
        self.root = root
        root.mkdir(parents=True, exist_ok=True)

    def append(self, key: str, name: str, *lines: str) -> Path:
        """Whole lines at the end of a log, which is made where it is missing."""
        return self.append_bytes(key, name, "".join(f"{line}\n" for line in lines).encode())

    def append_bytes(self, key: str, name: str, content: bytes) -> Path:
        path = self.root / key / name
        path.parent.mkdir(exist_ok=True)
        with path.open("ab") as file:
            file.write(content)
        return path

    def session(self, key: str, starts: list[str], ends: list[str]) -> None:
        self.append(key, PRE, *starts)
        self.append(key, POST, *ends)
