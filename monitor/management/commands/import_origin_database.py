from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError
from django.utils import timezone
from tqdm import tqdm

from monitor.origin_database import Options, Refused, Report, import_database
from monitor.origin_database.report import MOST_LISTED
from records.commands import DatabaseCommand, shown, zone

COLUMNS = "{:<14} {:>10} {:>10} {:>13} {:>17} {:>10}"
HEADS = ("table", "read", "added", "already there", "merged into pairs", "left out")


class Command(DatabaseCommand):
    help = "Take over the database of the earlier dashboard; run again, only what is new."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("path", type=Path, metavar="PATH")
        parser.add_argument("--dry-run", action="store_true", help="report, but write nothing")
        parser.add_argument(
            "--timezone",
            type=zone,
            default=None,
            metavar="ZONE",
            help="zone of the database's naive times (default: the setting TIME_ZONE)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        path: Path = options["path"]
        chosen = Options(
            zone=options["timezone"] or timezone.get_default_timezone(),
            dry_run=options["dry_run"],
            watch=_watched,
        )
        self.stdout.write(f"Reading {shown(str(path))}")
        try:
            report = import_database(path, chosen)
        except Refused as refusal:
            raise CommandError(f"{shown(str(path))}: {refusal}") from None
        self._show(report)

    def _show(self, report: Report) -> None:
        self.stdout.write(f"Schema version {report.version}.")
        self.stdout.write(COLUMNS.format(*HEADS))
        for name, line in report.lines.items():
            counts = (line.read, line.added, line.there, line.merged, line.refused)
            self.stdout.write(COLUMNS.format(name, *(f"{count:,}" for count in counts)))
        sessions = report.sessions
        self.stdout.write(
            f"Sessions: {sessions['read']:,}, of which {sessions['added']:,} are new;"
            f" {sessions['standing in']:,} stand in for tasks whose session is unknown."
        )
        self._show_notes(report)
        self._show_left_out(report)
        self._show_end(report)

    def _show_notes(self, report: Report) -> None:
        for note, count in report.notes.items():
            if count:
                self.stdout.write(f"{count:,} x {note}")
        for table, count in report.bystanders.items():
            self.stdout.write(f"{count:,} rows of {table}: not monitoring data, they stay out")

    def _show_left_out(self, report: Report) -> None:
        if not report.refused:
            return
        warn = self.style.WARNING
        self.stdout.write(warn(f"ATTENTION: {report.refused:,} rows were left out:"))
        for row in report.left_out:
            self.stdout.write(warn(f"  {row.table} {shown(row.id)}: {shown(row.cause)}"))
        if len(report.left_out) == MOST_LISTED:
            self.stdout.write(
                warn(f"  ({MOST_LISTED} entries are listed; further ones are counted in the table)")
            )

    def _show_end(self, report: Report) -> None:
        if report.dry_run:
            self.stdout.write("Dry run: proven, and nothing was written.")
            return
        if not report.added:
            self.stdout.write("Nothing was added: every row was here already.")
        kept = ", ".join(f"{line.noun} {line.kept:,}" for line in report.lines.values())
        self.stdout.write(f"Proven, all are found in this database: {kept}.")


def _watched(rows: Iterable[Any], total: int, what: str) -> Iterable[Any]:
    return tqdm(rows, total=total, desc=what, disable=None)
