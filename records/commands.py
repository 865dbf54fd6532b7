"""What commands share: faults in one line, and the way in which old rows are deleted."""

from __future__ import annotations

import signal
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from types import FrameType
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from django.core.checks import Tags
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


DAYS = whole(0, 36_500, "days")
CHECKS = [Tags.files, Tags.models, Tags.security]
"""What a command that serves no page makes sure of: the other checks load every page, which takes
longer than all else at its start. `serve` and `check` see to them."""


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

    requires_system_checks = CHECKS

    def execute(self, *args: Any, **options: Any) -> str | None:
        try:
            return super().execute(*args, **options)
        except DatabaseError as fault:
            raise CommandError(f"The database refused: {told(fault)}") from fault

    def check(self, *args: Any, **options: Any) -> None:
        """Before its work: not in a database that knows more than this program."""
        super().check(*args, **options)
        refuse_newer(connection)


class Prunable(Protocol):
    """What is deleted by its age, and the words for it."""

    noun: str
    dated: str
    kept: str

    def limit(self, before: datetime) -> datetime: ...
    def old(self, before: datetime) -> int: ...
    def prune(self, before: datetime, batch: int) -> Iterator[int]: ...


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

    def asked(self, options: Mapping[str, Any]) -> Iterable[tuple[Prunable, int]]:
        """What to delete, and how many days of it to keep."""
        yield self, options["days"]

    def add_arguments(self, parser: ArgumentParser) -> None:
        self.add_ages(parser)
        batch = whole(1, self.most)
        batch_help = f"{self.batch_of} a transaction (default {self.batch})"
        parser.add_argument("--dry-run", action="store_true", help="count, but delete nothing")
        parser.add_argument("--batch", type=batch, default=self.batch, help=batch_help)

    def add_ages(self, parser: ArgumentParser) -> None:
        parser.add_argument("--days", type=DAYS, default=90, help="keep so many days (default 90)")

    def handle(self, *args: Any, **options: Any) -> None:
        self.stopped = False
        if not options["dry_run"]:
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, self._stop)
        now = timezone.now()
        for what, days in self.asked(options):
            self._prune(what, what.limit(now - timedelta(days=days)), options)
            if self.stopped:
                break

    def _prune(self, what: Prunable, before: datetime, options: Mapping[str, Any]) -> None:
        old, since = what.old(before), f"{what.dated} {before:%Y-%m-%d %H:%M} UTC"
        if options["dry_run"]:
            self.stdout.write(f"{old:,} {what.noun} {since} would go.")
            return
        deleted = self._delete(what.noun, old, what.prune(before, options["batch"]))
        end = "Stopped" if self.stopped else "Done"
        self.stdout.write(f"{end}: {deleted:,} {what.noun} {since} deleted; {what.kept}.")

    def _delete(self, noun: str, old: int, batches: Iterator[int]) -> int:
        deleted = 0
        with tqdm(total=old, desc="Pruning", unit=f" {noun}", disable=None) as bar:
            for count in batches:
                deleted += count
                bar.update(count)
                if self.stopped:
                    break
        return deleted

    def _stop(self, number: int, frame: FrameType | None) -> None:
        """Finish the batch under way, then stop."""
        self.stopped = True
