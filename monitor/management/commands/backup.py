"""manage.py backup: the database and the attachments in one file, while the server runs."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from monitor import backup
from monitor.backup.commands import FAULTS, Bars, cause, shown_size
from monitor.backup.schema import summary
from records.commands import DatabaseCommand, shown


class Command(DatabaseCommand):
    help = "Write the database and the attachments into one file, consistent while others write."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("path", type=Path, metavar="PATH")
        parser.add_argument("--force", action="store_true", help="overwrite a file at PATH")

    def handle(self, *args: Any, **options: Any) -> None:
        path: Path = options["path"].absolute()
        try:
            with Bars() as bars:
                about = backup.make(path, force=options["force"], progress=bars.show)
        except FAULTS as fault:
            raise CommandError(f"{shown(str(path))}: {cause(fault)}. No backup was made.") from None
        self.stdout.write(f"Backed up {summary(about.counts)}.")
        if about.missing:
            self.stdout.write(
                self.style.WARNING(f"ATTENTION: {about.missing:,} attachments have no file.")
            )
        self.stdout.write(
            f"{shown(str(path))} has {shown_size(path)} and was read back whole. The secret key is"
            " not in it."
        )
