from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from costs import ledger
from costs.instants import floor_hour
from costs.models import CostRecord
from records.commands import PruneCommand


class Command(PruneCommand):
    help = "Delete old raw cost records in short batches; the rolled-up history stays."
    noun = "records"
    dated = "before"
    kept = "their sums stay in the hourly and daily history"
    batch_of = "rows"
    batch = 1_000
    most = 100_000

    def limit(self, before: datetime) -> datetime:
        return floor_hour(before)

    def old(self, before: datetime) -> int:
        return CostRecord.objects.before(before).count()

    def prune(self, before: datetime, batch: int) -> Iterator[int]:
        return ledger.prune(before, batch=batch)
