from __future__ import annotations

from argparse import ArgumentParser
from datetime import datetime
from typing import Any

from django.core.management.base import CommandError
from django.db import connection
from django.utils import timezone

from costs import ledger, partitions
from costs.models import CostRecord
from costs.partitions.months import TABLE
from records.commands import DatabaseCommand, whole


class Command(DatabaseCommand):
    help = "Keep the cost records in a partition a month; make those to come, drop the oldest."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--ahead",
            type=whole(0, 60, "months"),
            default=3,
            help="make so many months after this one (default 3)",
        )
        parser.add_argument(
            "--keep",
            type=whole(0, 1_200, "months"),
            help="drop the records of whole months older than so many before this one",
        )
        parser.add_argument("--dry-run", action="store_true", help="tell, but do nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        if connection.vendor != "postgresql":
            raise CommandError("Partitions are of PostgreSQL; on SQLite, run prune_costs instead.")
        now, keep = timezone.now(), options["keep"]
        before = None if keep is None else partitions.before(now, keep)
        (self.tell if options["dry_run"] else self.keep)(now, options["ahead"], before)

    def tell(self, now: datetime, ahead: int, before: datetime | None) -> None:
        """Say what `keep` would do."""
        made = ", ".join(map(str, partitions.wanted(now, ahead)))
        if not partitions.is_partitioned():
            records = CostRecord.objects.count()
            self.stdout.write(f"{records:,} records would be divided by month.")
        self.stdout.write(f"Would make: {made or 'none'}.")
        if before:
            old = CostRecord.objects.before(before).count()
            dropped = ", ".join(map(str, partitions.droppable(before)))
            self.stdout.write(
                f"Would drop: {dropped or 'none'}; {old:,} records before {before:%Y-%m-%d}."
            )

    def keep(self, now: datetime, ahead: int, before: datetime | None) -> None:
        if not partitions.is_partitioned():
            self.convert(now, ahead)
        if before:
            pruned = sum(ledger.prune(before))
            self.stdout.write(
                f"{pruned:,} records before {before:%Y-%m-%d} UTC are gone; their sums stay."
            )
        for month, moved in partitions.extend(now, ahead):
            self.stdout.write(f"Made {month}, with {moved:,} records.")
        self.analyze()
        self.stdout.write(f"{len(partitions.months())} months have a partition.")

    def convert(self, now: datetime, ahead: int) -> None:
        try:
            rows = partitions.convert(now, ahead)
        except partitions.Differs as difference:
            raise CommandError(str(difference)) from None
        for name, records in rows.items():
            self.stdout.write(f"{records:>12,}  {name}")
        self.stdout.write(f"Proven: {sum(rows.values()):,} records with equal sums.")

    def analyze(self) -> None:
        """Nothing else tells the planner of the whole: PostgreSQL looks at partitions alone."""
        with connection.cursor() as cursor:
            cursor.execute(f"ANALYZE {TABLE}")
