from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError


class LedgerCommand(BaseCommand):
    """A command whose database faults end in one line instead of a traceback."""

    def execute(self, *args: Any, **options: Any) -> str | None:
        try:
            return super().execute(*args, **options)
        except DatabaseError as fault:
            raise CommandError(
                f"The database refused: {fault}. It must be migrated (manage.py migrate),"
                " writable and not full."
            ) from fault
