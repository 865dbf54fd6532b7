from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from records.commands import PruneCommand
from tasks import pruning


class Command(PruneCommand):
    help = "Delete finished tasks without recent news, with all that hangs on them."
    noun = batch_of = "tasks"
    batch = 100

    def old(self, before: datetime) -> int:
        return pruning.old(before).count()

    def prune(self, before: datetime, batch: int) -> Iterator[int]:
        return pruning.prune(before, batch=batch)
