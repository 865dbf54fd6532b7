"""What a database must have to be one of ours, and what it is asked of."""

from __future__ import annotations

from collections.abc import Iterable

from django.apps import apps
from django.db.migrations.loader import MigrationLoader

from costs.models import CostRecord, SpendingLimit, UserDay
from monitor.backup.progress import Refused
from records.cures import is_own, newest
from sessions.models import Session, ToolCall
from tasks.models import Attachment, Task

Migration = tuple[str, str]

NOUNS = {
    "tasks": Task._meta.db_table,
    "sessions": Session._meta.db_table,
    "tool calls": ToolCall._meta.db_table,
    "cost records": CostRecord._meta.db_table,
    "limits": SpendingLimit._meta.db_table,
    "attachments": Attachment._meta.db_table,
}
RECORDS = (*NOUNS.values(), UserDay._meta.db_table)
"""The tables of which one row makes a database worth keeping."""

MIGRATIONS = "SELECT app, name FROM django_migrations"
FILES = f"SELECT file FROM {Attachment._meta.db_table} ORDER BY id"  # noqa: S608  (our own name)
OURS = {("tasks", "0001_initial"), ("costs", "0001_initial")}


def check(applied: Iterable[Migration]) -> None:
    """Raises Refused unless these migrations are ours, and none is newer than this version."""
    found = set(applied)
    if not found >= OURS:
        raise Refused("does not hold a database of the monitor")
    last = {app.label: newest(app) for app in apps.get_app_configs() if is_own(app)}
    for app, name in sorted(found):
        if name > last.get(app, name):
            raise Refused(f"has a newer schema ({app} {name}): update the monitor first")


def missing(applied: Iterable[Migration]) -> list[Migration]:
    """The migrations of this version that the database has not seen."""
    return sorted(set(MigrationLoader(None).disk_migrations) - set(applied))


def summary(counts: dict[str, int]) -> str:
    """The rows of the tables that people ask for, in words."""
    known = ((counts.get(table, 0), noun) for noun, table in NOUNS.items())
    *first, last = (f"{count:,} {noun}" for count, noun in known)
    return f"{', '.join(first)} and {last}"
