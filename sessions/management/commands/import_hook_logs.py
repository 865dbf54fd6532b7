from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError
from tqdm import tqdm

from records.commands import DatabaseCommand, shown
from sessions.hook_logs import Folder, Options, Refused, Report, import_logs
from sessions.hook_logs.report import Counts

MOST_LINES = 20
COLUMNS = "{:<40} {:>10} {:>10} {:>10} {:>10} {:>10} {:>6}"


class Command(DatabaseCommand):
    help = "Take over the hook logs of sessions; run again, only what they grew by."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "folder", type=Path, metavar="DIR", help="it holds one folder a session: logs/sessions"
        )
        parser.add_argument("--dry-run", action="store_true", help="report, but write nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        root, dry_run = Path(options["folder"]), options["dry_run"]
        self.stdout.write(f"Reading {shown(str(root))}")
        try:
            report = import_logs(root, Options(dry_run=dry_run, watch=_watch))
        except Refused as refusal:
            raise CommandError(
                f"{shown(str(root))}: {shown(str(refusal))}. Nothing was imported."
            ) from None
        self._show_folders(report)
        self._show_tools(report)
        self._show_notes(report)
        if dry_run:
            self.stdout.write("Dry run: nothing was written.")

    def _show_folders(self, report: Report) -> None:
        heads = ("session", "pre lines", "post lines", "calls new", "completed", "unreadable")
        self._row(*heads, "torn")
        news = [line for line in report.lines if line.has_news]
        for line in news[:MOST_LINES]:
            counts = line.counts
            self._row(shown(line.key)[:40], *_figures(counts), line.unreadable, line.torn)
        if (more := len(news) - MOST_LINES) > 0:
            self.stdout.write(f"... and {more:,} more")
        unreadable = sum(line.unreadable for line in report.lines)
        torn = sum(line.torn for line in report.lines)
        self._row("all", *_figures(report.counts), unreadable, torn)
        if old := len(report.lines) - len(news):
            self.stdout.write(f"Folders without news: {old:,}")

    def _show_tools(self, report: Report) -> None:
        if not (tools := report.by_tool()):
            return
        self.stdout.write("")
        self._row("tool", "pre lines", "post lines", "calls new", "completed", "blocked", "")
        for name, counts in tools.items():
            self._row(shown(name)[:40], *_figures(counts), counts.blocked, "")
        self._row("all", *_figures(report.counts), report.counts.blocked, "")

    def _row(self, name: str, *cells: int | str) -> None:
        row = (cell if isinstance(cell, str) else f"{cell:,}" for cell in cells)
        self.stdout.write(COLUMNS.format(name, *row).rstrip())

    def _show_notes(self, report: Report) -> None:
        for place in report.places:
            self.stdout.write(shown(place))
        if report.more_places:
            self.stdout.write(f"... and {report.more_places:,} more lines that were no calls")
        for note, count in sorted(report.notes.items()):
            if count:
                self.stdout.write(f"{count:,} x {note}")
        for hint in report.hints[:MOST_LINES]:
            self.stdout.write(shown(hint))
        if (more := len(report.hints) - MOST_LINES) > 0:
            self.stdout.write(f"... and {more:,} more summaries that count otherwise")
        for key, cause in sorted(report.refused.items()):
            self.stdout.write(f"Refused {shown(key)}: {cause}")


def _figures(counts: Counts) -> tuple[int, int, int, int]:
    return counts.pre, counts.post, counts.added, counts.completed


def _watch(folders: list[Folder]) -> Iterable[Folder]:
    return iter(tqdm(folders, desc="Importing", unit=" folders", disable=None))
