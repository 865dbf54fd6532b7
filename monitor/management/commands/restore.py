"""manage.py restore: takes back what manage.py backup has written."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from monitor import backup
from monitor.backup.commands import FAULTS, Bars, cause
from monitor.backup.schema import summary
from records.commands import DatabaseCommand, shown


class Command(DatabaseCommand):
    help = "Make the database and the attachments what they were in a backup."
    requires_system_checks: list[str] = []  # what is to be restored may be what they miss

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("path", type=Path, metavar="PATH")
        parser.add_argument("--force", action="store_true", help="over a database with records")

    def handle(self, *args: Any, **options: Any) -> None:
        path: Path = options["path"].absolute()
        try:
            with Bars() as bars:
                restored = backup.restore(path, force=options["force"], progress=bars.show)
        except FAULTS as fault:
            raise CommandError(
                f"{shown(str(path))}: {cause(fault)}. Nothing was restored."
            ) from None
        about = restored.about
        self.stdout.write(
            f"Restored the backup of {about.made_at:%Y-%m-%d %H:%M:%S} UTC:"
            f" {summary(about.counts)}."
        )
        self._show_rest(restored)

    def _show_rest(self, restored: backup.Restored) -> None:
        if restored.kept:
            self.stdout.write(f"The database before it is kept as {restored.kept}.")
        if restored.migrated:
            self.stdout.write(
                f"Its schema was older: {len(restored.migrated)} migrations were run."
            )
        if restored.wrong:
            self.stdout.write(
                self.style.WARNING(
                    f"ATTENTION: its ledger has {restored.wrong:,} wrong cells; see check_ledger."
                )
            )
        else:
            self.stdout.write("The ledger is sound.")
