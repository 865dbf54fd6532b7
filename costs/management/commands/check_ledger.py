from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from costs import audit
from records.commands import DatabaseCommand


class Command(DatabaseCommand):
    help = "Compare the rolled-up history with the raw cost records; exit 1 where they differ."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--repair", action="store_true", help="rebuild the history from the records still kept"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        wrong = self._report(audit.check())
        if wrong and options["repair"]:
            audit.repair()
            self.stdout.write("Rebuilt. Checking again:")
            wrong = self._report(audit.check())
        if wrong:
            cure = (
                "what remains lies before the oldest record kept, where nothing tells which"
                " figure is right; restore a backup"
                if options["repair"]
                else "run check_ledger --repair"
            )
            raise CommandError(f"{wrong} wrong cells: {cure}.")
        self.stdout.write("The ledger is sound.")

    def _report(self, checks: list[audit.Check]) -> int:
        for check in checks:
            self.stdout.write(f"{check.wrong:>8,} wrong  {check.rule}")
        return sum(check.wrong for check in checks)
