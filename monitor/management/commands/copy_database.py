from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection, connections
from tqdm import tqdm

from monitor.transfer.copying import Report, copy
from monitor.transfer.refusal import Refused
from monitor.transfer.source import SOURCE, open_source
from monitor.transfer.tables import Row, Table
from records.commands import DatabaseCommand


class Command(DatabaseCommand):
    help = "Copy all that another database holds into the empty one of DATABASE_URL, and prove it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--from", dest="source", required=True, help="sqlite:///PATH or postgres://…"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            source = open_source(options["source"])
            prepare()
            report = copy(source, connections[connection.alias], self.watch)
        except Refused as refusal:
            raise CommandError(str(refusal)) from None
        finally:
            forget_source()
        self.show(report)

    def watch(self, rows: Iterable[Row], table: Table, total: int) -> Iterable[Row]:
        name = table._meta.db_table
        return tqdm(rows, desc=f"{name:28}", total=total, unit=" rows", disable=None)

    def show(self, report: Report) -> None:
        for table, rows in report.rows.items():
            self.stdout.write(f"{rows:>12,}  {table}")
        self.stdout.write(
            f"Proven: {sum(report.rows.values()):,} rows with equal sums, {report.figures} figures"
            " equal, the ledger sound. Permissions, groups and sign-ins stay behind."
        )


def prepare() -> None:
    """Migrate the target; without the usage.json that a first migration would take over."""
    taken, settings.USAGE_JSON = settings.USAGE_JSON, settings.DATA_DIR / "none"
    try:
        call_command("migrate", interactive=False, verbosity=0)
    finally:
        settings.USAGE_JSON = taken


def forget_source() -> None:
    if SOURCE in connections.settings:
        connections[SOURCE].close()
        del connections[SOURCE], connections.settings[SOURCE]
