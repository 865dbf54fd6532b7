from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from records.commands import PruneCommand
from sessions import pruning


class Command(PruneCommand):
    help = "Delete code sessions of no known task and without recent news, with their calls."
    noun = "sessions"
    batch_of = "calls"
    batch = 1_000

    def old(self, before: datetime) -> int:
        return pruning.count(before)

    def prune(self, before: datetime, batch: int) -> Iterator[int]:
        return pruning.prune(before, batch=batch)
