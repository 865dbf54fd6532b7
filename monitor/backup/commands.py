"""What the two commands share: bars, and what ends in one line."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from types import TracebackType
from typing import NoReturn, Self

from tqdm import tqdm

from monitor.backup.progress import Refused

FAULTS = (Refused, OSError, sqlite3.Error)


class Bars:
    """A bar for each thing that is done, one after the other."""

    def __init__(self) -> None:
        self._bar: tqdm[NoReturn] = tqdm(disable=True)
        self._what = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: object, trace: TracebackType | None
    ) -> None:
        self._bar.close()

    def show(self, what: str, done: int, total: int) -> None:
        if self._what != what:
            self._bar.close()
            self._bar = tqdm(total=total, desc=what, unit_scale=True, disable=None)
            self._what = what
        self._bar.update(done - self._bar.n)


def cause(fault: BaseException) -> str:
    """What went wrong, in one line."""
    words = fault.strerror if isinstance(fault, OSError) else None
    return " ".join(str(words or fault).split())


def shown_size(path: Path) -> str:
    return f"{path.stat().st_size / 1e6:,.1f} MB"
