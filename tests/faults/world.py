"""A database that dies at a moment, of which each seed is fixed: a failure comes again."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from monitor.management.commands.copy_database import forget_source
from monitor.transfer.source import as_default, open_source
from tests.faults.databases import Databases
from tests.faults.mortal import Job, Mortals

RUNS = 20


@dataclass
class World:
    """A database that dies and lives again."""

    databases: Databases
    mortal: Mortals
    folder: Path

    def job(self, name: str, *command: str, last: int | None = None, sign: str = "") -> Job:
        said = str(self.folder / "said")
        return Job(name, list(command), str(self.folder), last, said, sign)

    def do(self, name: str, *command: str) -> int:
        """Let the command come to its end; how many moments it had."""
        end = self.mortal.run(self.job(name, *command))
        assert end.status == 0, (self.folder / "said").read_text()
        return end.moments

    def deaths(self, like: str | None, *command: str) -> Iterator[str]:
        """Databases on each of which the command was killed, at a moment of its own."""
        moments = self.do(self.databases.make(like), *command)
        assert moments > RUNS
        for last in random.Random(6).sample(range(1, moments), RUNS):
            name = self.databases.make(like)
            assert self.mortal.run(self.job(name, *command, last=last)).status == -9
            yield name

    @contextmanager
    def within(self, name: str) -> Iterator[None]:
        """Let this test work on that database."""
        other = open_source(self.databases.url(name))
        other.alias = "default"
        try:
            with as_default(other):
                yield
        finally:
            forget_source()

    def die(self, name: str, sign: str, *command: str, last: int = 1) -> None:
        """Kill the command at the statement number `last` of those that hold `sign`."""
        assert self.mortal.run(self.job(name, *command, last=last, sign=sign)).status == -9
