"""manage.py load_demo_data: an invented month to look at, and --clear to take it out again."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Iterable
from typing import Any

from django.core.management.base import CommandError
from django.utils import timezone
from tqdm import tqdm

from costs.money import from_nano
from monitor import demo
from records.commands import DatabaseCommand, whole

MOST_DAYS = 60


class Command(DatabaseCommand):
    help = "Load an invented month of tasks, sessions, tool calls and costs, or take it out again."

    def add_arguments(self, parser: ArgumentParser) -> None:
        seed, days = whole(0, 999_999), whole(1, MOST_DAYS, "days")
        parser.add_argument("--seed", type=seed, default=1, help="another one, another month")
        parser.add_argument("--days", type=days, default=30, help="as far back (default 30)")
        parser.add_argument("--clear", action="store_true", help="take all demo data out again")
        parser.add_argument("--force", action="store_true", help="load them beside real records")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["clear"]:
            self._clear()
        else:
            self._load(options["seed"], options["days"], force=options["force"])

    def _load(self, seed: int, days: int, *, force: bool) -> None:
        now = timezone.now()
        try:
            loaded = demo.load(now, seed=seed, days=days, force=force, watch=_watched)
        except demo.Refused as refusal:
            raise CommandError(str(refusal)) from None
        if loaded is None:
            self.stdout.write("These demo data are loaded already; nothing was added.")
            return
        self.stdout.write(
            f"Loaded {loaded.tasks:,} tasks, {loaded.sessions:,} sessions, {loaded.calls:,} tool"
            f" calls, {loaded.records:,} cost records and {loaded.files:,} files."
            " load_demo_data --clear takes them out again."
        )

    def _clear(self) -> None:
        gone = demo.clear(_watched)
        if gone.is_nothing:
            self.stdout.write("No demo data are loaded; nothing was changed.")
        else:
            self.stdout.write(
                f"Cleared {gone.tasks:,} tasks, {gone.sessions:,} sessions, {gone.calls:,} tool"
                f" calls, {gone.records:,} cost records and {gone.limits:,} limits."
            )
        if gone.kept_requests:
            self.stdout.write(
                self.style.WARNING(
                    f"ATTENTION: {gone.kept_requests:,} requests of demo data for"
                    f" ${from_nano(gone.kept_nano):,.2f} had been pruned before. They stay in the"
                    " history, as do the sums of pruned tool calls."
                )
            )


def _watched(rows: Iterable[Any], total: int, what: str) -> Iterable[Any]:
    return tqdm(rows, total=total, desc=what, disable=None)
