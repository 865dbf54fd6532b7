"""Where the logs lie: one folder a session, whose name is the session's key."""

from __future__ import annotations

import json
import os
import stat
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from sessions.events import SessionEvent
from tasks.identity import Invalid, check_ids, checked
from tasks.instants import EPOCH

PRE, POST, SUMMARY = "pre_tool_use.jsonl", "post_tool_use.jsonl", "summary.json"
LOGS = frozenset((PRE, POST))
BELOW = ("sessions", "logs/sessions")
MOST_SUMMARY = 1_000_000  # bytes

LINKS = "symbolic links: not followed"
NO_LOGS = "folders without a log: passed over"


class Refused(Exception):
    """Logs that are not imported: one line with what is wrong and what to do."""


@dataclass(frozen=True, slots=True)
class Folder:
    """The folder of one session. A link, be it the folder or a file in it, is none."""

    key: str
    path: Path
    logs: frozenset[str]


def find(root: Path, notes: Counter[str], refused: dict[str, str]) -> list[Folder]:
    """The session folders right in `root`, by name; raises Refused where there are none."""
    try:
        folders = list(_folders(root, notes, refused))
    except OSError as fault:
        raise Refused(f"cannot be read: {fault.strerror or fault}") from None
    if not folders and not refused:
        raise Refused(f"no session folder with a log in it{_hint(root)}")
    return sorted(folders, key=lambda folder: folder.key)


def _folders(root: Path, notes: Counter[str], refused: dict[str, str]) -> Iterator[Folder]:
    with os.scandir(root) as entries:
        for entry in entries:
            notes[LINKS] += entry.is_symlink()
            if not entry.is_dir(follow_symlinks=False):
                continue
            try:
                logs = _logs(Path(entry.path), notes)
                _check_key(entry.name)
            except OSError as fault:
                refused[entry.name] = f"cannot be read: {fault.strerror or fault}"
                continue
            except Invalid as fault:
                refused[entry.name] = f"cannot be recorded: {fault}"
                continue
            notes[NO_LOGS] += not logs
            if logs:
                yield Folder(entry.name, Path(entry.path), logs)


def _logs(folder: Path, notes: Counter[str]) -> frozenset[str]:
    with os.scandir(folder) as entries:
        found = [entry for entry in entries if entry.name in LOGS]
        notes[LINKS] += sum(entry.is_symlink() for entry in found)
        return frozenset(entry.name for entry in found if not entry.is_symlink())


def _check_key(name: str) -> None:
    """Raise Invalid for a name that recording would not take for the key of a session."""
    event = checked(SessionEvent(session_key="any", at=EPOCH), {"session_key": name})
    check_ids(event, ["session_key"])


def _hint(root: Path) -> str:
    if any((root / name).is_file() for name in LOGS):
        return f"; it is the folder of one session: name the one above, {root.absolute().parent}"
    for name in BELOW:
        try:
            if any(_folders(root / name, Counter(), {})):
                return f"; a folder below has some in them: name {root / name}"
        except OSError:
            continue
    return "; name the folder that holds one folder a session"


def open_file(path: Path) -> BinaryIO:
    """Open a plain file to read; raises Refused for a link, a pipe, a device or a folder."""
    # A pipe without a writer would hold up whoever opens it.
    file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(file).st_mode):
        os.close(file)
        raise Refused(f"{path.name} is no file")
    return os.fdopen(file, "rb")


def summarised(folder: Folder) -> int | None:
    """How many calls the session's summary counts; None where it is absent, torn or foreign."""
    try:
        with open_file(folder.path / SUMMARY) as file:
            told = json.loads(file.read(MOST_SUMMARY))
        count = told["total_tools_used"]
    except (OSError, Refused, ValueError, RecursionError, TypeError, LookupError):
        return None
    return count if isinstance(count, int) and not isinstance(count, bool) else None
