from __future__ import annotations

import signal
from argparse import ArgumentParser, ArgumentTypeError
from datetime import timedelta
from types import FrameType
from typing import Any

from django.utils import timezone
from tqdm import tqdm

from costs import ledger
from costs.instants import floor_hour
from costs.management.base import LedgerCommand
from costs.models import CostRecord


def days(text: str) -> int:
    if not text.isdecimal() or not int(text) <= 36_500:
        raise ArgumentTypeError("a whole number of days from 0 to 36500")
    return int(text)


def batch_size(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 100_000:
        raise ArgumentTypeError("a whole number from 1 to 100000")
    return int(text)


class Command(LedgerCommand):
    help = "Delete old raw cost records in short batches; the rolled-up history stays."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--days", type=days, default=90, help="keep so many days (default 90)")
        parser.add_argument("--dry-run", action="store_true", help="count, but delete nothing")
        parser.add_argument(
            "--batch", type=batch_size, default=1_000, help="rows a transaction (default 1000)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        before = floor_hour(timezone.now() - timedelta(days=options["days"]))
        old = CostRecord.objects.before(before).count()
        if options["dry_run"]:
            self.stdout.write(f"{old:,} records before {before:%Y-%m-%d %H:%M} UTC would go.")
            return
        self.stopped = False
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        deleted = self._delete(old, before, options["batch"])
        end = "Stopped" if self.stopped else "Done"
        self.stdout.write(
            f"{end}: {deleted:,} records before {before:%Y-%m-%d %H:%M} UTC deleted;"
            " their sums stay in the hourly and daily history."
        )

    def _delete(self, old: int, before: Any, batch: int) -> int:
        deleted = 0
        with tqdm(total=old, desc="Pruning", unit=" records", disable=None) as bar:
            for count in ledger.prune(before, batch=batch):
                deleted += count
                bar.update(count)
                if self.stopped:
                    break
        return deleted

    def _stop(self, number: int, frame: FrameType | None) -> None:
        """Finish the batch under way, then stop."""
        self.stopped = True
