from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from records.commands import DAYS, Prunable, PruneCommand
from records.instants import floor_hour
from sessions import pruning


class Calls:
    noun = "tool calls"
    dated = "from before"
    kept = "all that was counted of them stays"

    def limit(self, before: datetime) -> datetime:
        return floor_hour(before)

    def old(self, before: datetime) -> int:
        return pruning.old_calls(before).count()

    def prune(self, before: datetime, batch: int) -> Iterator[int]:
        return pruning.prune_calls(before, batch=batch)


class Bodies:
    noun = "bodies of tool calls and lines of logs"
    dated = "from before"
    kept = "the calls stay"

    def limit(self, before: datetime) -> datetime:
        return before

    def old(self, before: datetime) -> int:
        return pruning.count_bodies(before)

    def prune(self, before: datetime, batch: int) -> Iterator[int]:
        return pruning.prune_bodies(before, batch=batch)


class Command(PruneCommand):
    help = (
        "Delete, each by an age of its own: code sessions of no known task with all that hangs on"
        " them, tool calls, and the bodies of calls with the lines of logs."
    )
    noun = "sessions"
    batch_of = "calls, bodies or lines of logs"
    batch = 1_000

    def add_ages(self, parser: ArgumentParser) -> None:
        whole = "keep code sessions of no known task for so many days (90 where no age is given)"
        parser.add_argument("--sessions", "--days", type=DAYS, metavar="DAYS", help=whole)
        parser.add_argument("--calls", type=DAYS, metavar="DAYS", help="keep tool calls so long")
        bodies = "keep parameters and error texts of calls, and lines of logs, so long"
        parser.add_argument("--bodies", type=DAYS, metavar="DAYS", help=bodies)

    def asked(self, options: Mapping[str, Any]) -> Iterable[tuple[Prunable, int]]:
        ages = [options["sessions"], options["calls"], options["bodies"]]
        if ages == [None, None, None]:
            ages[0] = 90
        kinds: list[Prunable] = [self, Calls(), Bodies()]
        return [(kind, age) for kind, age in zip(kinds, ages, strict=True) if age is not None]

    def old(self, before: datetime) -> int:
        return pruning.count(before)

    def prune(self, before: datetime, batch: int) -> Iterator[int]:
        return pruning.prune(before, batch=batch)
