from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, BinaryIO, cast

from django.core.management.base import CommandError
from django.utils import timezone
from tqdm import tqdm

from costs.models.record import MAX_SOURCE
from costs.money import from_nano
from costs.usage_json import Options, Refused, Report, import_file
from costs.usage_json.reader import Record
from records.commands import DatabaseCommand, shown, zone

MOST_LINES = 20
COLUMNS = "{:<24} {:>9} {:>9} {:>9} {:>9} {:>18} {:>18}"


def source_name(text: str) -> str:
    if not 1 <= len(text) <= MAX_SOURCE or not text.isprintable():
        raise ArgumentTypeError(f"a name of 1 to {MAX_SOURCE} printable characters")
    return text


class Command(DatabaseCommand):
    help = "Take over the costs kept in a usage.json; run again, only what is new."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("path", type=Path, metavar="PATH")
        parser.add_argument("--dry-run", action="store_true", help="report, but write nothing")
        parser.add_argument(
            "--timezone",
            type=zone,
            default=None,
            metavar="ZONE",
            help="zone of the file's naive times (default: the setting TIME_ZONE)",
        )
        parser.add_argument("--no-backup", action="store_true", help="do not copy the file first")
        parser.add_argument(
            "--source",
            type=source_name,
            default="usage.json",
            metavar="NAME",
            help="tells the files of several bots apart (default: usage.json)",
        )
        parser.add_argument(
            "--accept-contradictions",
            action="store_true",
            help="trust the records where they exceed the file's own totals",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        path: Path = options["path"]
        self.stdout.write(f"Reading {shown(str(path))}")
        try:
            with ExitStack() as self.bars:
                report = import_file(path, self._options(options))
        except Refused as refusal:
            raise CommandError(f"{path}: {refusal}. Nothing was imported.") from None
        self._show(report)

    def _options(self, options: dict[str, Any]) -> Options:
        return Options(
            zone=options["timezone"] or timezone.get_default_timezone(),
            source=options["source"],
            dry_run=options["dry_run"],
            backup=not options["no_backup"],
            trust_records=options["accept_contradictions"],
            watch_reading=self._watch_reading,
            watch_booking=self._watch_booking,
        )

    def _watch_reading(self, file: BinaryIO, size: int) -> BinaryIO:
        bar = tqdm.wrapattr(file, "read", total=size, desc="Reading", disable=None)
        return cast(BinaryIO, self.bars.enter_context(bar))

    def _watch_booking(self, records: Iterable[Record], total: int) -> Iterator[Record]:
        self.bars.close()
        self.stdout.write(f"Booking {total:,} records")
        return iter(tqdm(records, total=total, desc="Booking", unit=" records", disable=None))

    def _show(self, report: Report) -> None:
        heads = ("user", "read", "added", "skipped", "carried", "cost booked", "lifetime cost")
        self.stdout.write(COLUMNS.format(*heads))
        for line in report.lines[:MOST_LINES]:
            counts = (line.read, line.added, line.skipped, line.carried_requests)
            self._row(shown(line.user_id)[:24], *counts, line.booked.cost_nano, line.lifetime_nano)
        if (more := len(report.lines) - MOST_LINES) > 0:
            self.stdout.write(f"... and {more:,} more users, each kept in the import's report")
        sums = map(report.sum, ("read", "added", "skipped", "carried_requests"))
        booked = sum(line.booked.cost_nano for line in report.lines)
        self._row("all", *sums, booked, report.sum("lifetime_nano"))
        self._show_notes(report)

    def _row(self, name: str, *numbers: int) -> None:
        *counts, booked, lifetime = numbers
        amounts = (f"${from_nano(nano):,.9f}" for nano in (booked, lifetime))
        self.stdout.write(COLUMNS.format(name, *(f"{count:,}" for count in counts), *amounts))

    def _show_notes(self, report: Report) -> None:
        for line in report.lines:
            if line.drift_nano:
                self.stdout.write(
                    f"user {shown(line.user_id)}: float sums in the file are off by"
                    f" {line.drift_nano:+,} nano-dollars; not booked"
                )
            if line.excess_nano or line.added > line.lifetime_requests:
                self.stdout.write(
                    f"user {shown(line.user_id)}: the records exceed the file's totals;"
                    " trusted as asked"
                )
        for note, count in report.notes.items():
            self.stdout.write(f"{count:,} x {note}")
        self._show_end(report)

    def _show_end(self, report: Report) -> None:
        if not report.saved:
            self.stdout.write("Dry run: proven, and nothing was written.")
            return
        if report.backup:
            self.stdout.write(f"Copy of the file: {report.backup}")
        before, after = report.before, report.after
        self.stdout.write(
            f"Proven: the ledger went from {before.requests:,} requests and ${before.cost:,.9f}"
            f" to {after.requests:,} requests and ${after.cost:,.9f}."
        )
        if report.unsealed:
            self.stdout.write(
                f"Not rolled up yet, so figures are right but slower to tell: {report.unsealed}"
                " The server does it when it can."
            )
