from __future__ import annotations

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import CommandError
from django.utils import timezone

from records.commands import DatabaseCommand, shown, whole
from tasks.stale import Patience, fail_stale

minutes = whole(1, 525_600, "minutes")


class Command(DatabaseCommand):
    help = "Fail tasks that nobody takes up or works on any more."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--pending-minutes", type=minutes, default=60, help="wait for a worker (default 60)"
        )
        parser.add_argument(
            "--silent-minutes", type=minutes, default=30, help="run without news (default 30)"
        )
        parser.add_argument("--dry-run", action="store_true", help="look, but change nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        patience = Patience(
            pending=timedelta(minutes=options["pending_minutes"]),
            silent=timedelta(minutes=options["silent_minutes"]),
        )
        stale = fail_stale(timezone.now(), patience, dry_run=options["dry_run"])
        for task in stale:
            self.stdout.write(
                f"{shown(task.task_id)}: {task.error or f'not failed: {task.trouble}'}"
            )
        troubled = sum(bool(task.trouble) for task in stale)
        step = "would fail" if options["dry_run"] else "failed"
        self.stdout.write(f"{len(stale) - troubled:,} tasks {step}.")
        if troubled:
            raise CommandError(f"{troubled:,} tasks made trouble; the log has each in full.")
