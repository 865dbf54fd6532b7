"""What commands share: faults in one line, and the way in which old rows are deleted."""

from __future__ import annotations

import signal
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from types import FrameType
from typing import Any
from zoneinfo import ZoneInfo

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, connection
from django.utils import timezone
from tqdm import tqdm

from records.cures import refuse_newer, told


def whole(first: int, last: int, unit: str = "") -> Callable[[str], int]:
    """The type of an argument: a whole number from `first` to `last`, of `unit`."""

    def number(text: str) -> int:
        if not (text.isascii() and text.isdigit() and first <= int(text) <= last):
            raise ArgumentTypeError(
                f"a whole number{unit and f' of {unit}'} from {first} to {last}"
            )
        return int(text)

    return number


def zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ArgumentTypeError(f"no time zone {name!r}; one like Europe/Berlin or UTC") from None


def shown(text: str) -> str:
    """A foreign text without what a terminal would obey, or could not spell."""
    return text.encode("unicode_escape").decode()


class DatabaseCommand(BaseCommand):
    """A command whose database faults end in one line instead of a traceback."""

    def execute(self, *args: Any, **options: Any) -> str | None:
        try:
            return super().execute(*args, **options)
        except DatabaseError as fault:
            raise CommandError(f"The database refused: {told(fault)}") from fault

    def check(self, *args: Any, **options: Any) -> None:
        """Before its work: not in a database that knows more than this program."""
        super().check(*args, **options)
        refuse_newer(connection)


class PruneCommand(DatabaseCommand):
    """Deletes what is older than so many days in short batches; ends between two when asked to."""

    noun: str
    dated = "without news since"
    kept = "the sums of their tool calls stay in the history"
    most = 10_000  # in a batch
    batch_of: str
    batch: int

    def limit(self, before: datetime) -> datetime:
        """The instant that is meant where `before` was asked for."""
        return before

    def old(self, before: datetime) -> int:
        """How many would go."""
        raise NotImplementedError

    def prune(self, before: datetime, batch: int) -> Iterator[int]:
        """Delete them; yields how many went with each transaction."""
        raise NotImplementedError

    def add_arguments(self, parser: ArgumentParser) -> None:
        days, batch = whole(0, 36_500, "days"), whole(1, self.most)
        batch_help = f"{self.batch_of} a transaction (default {self.batch})"
        parser.add_argument("--days", type=days, default=90, help="keep so many days (default 90)")
        parser.add_argument("--dry-run", action="store_true", help="count, but delete nothing")
        parser.add_argument("--batch", type=batch, default=self.batch, help=batch_help)

    def handle(self, *args: Any, **options: Any) -> None:
        before = self.limit(timezone.now() - timedelta(days=options["days"]))
        old, since = self.old(before), f"{self.dated} {before:%Y-%m-%d %H:%M} UTC"
        if options["dry_run"]:
            self.stdout.write(f"{old:,} {self.noun} {since} would go.")
            return
        self.stopped = False
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        deleted = self._delete(old, self.prune(before, options["batch"]))
        end = "Stopped" if self.stopped else "Done"
        self.stdout.write(f"{end}: {deleted:,} {self.noun} {since} deleted; {self.kept}.")

    def _delete(self, old: int, batches: Iterator[int]) -> int:
        deleted = 0
        with tqdm(total=old, desc="Pruning", unit=f" {self.noun}", disable=None) as bar:
            for count in batches:
                deleted += count
                bar.update(count)
                if self.stopped:
                    break
        return deleted

    def _stop(self, number: int, frame: FrameType | None) -> None:
        """Finish the batch under way, then stop."""
        self.stopped = True
