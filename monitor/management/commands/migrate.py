"""manage.py migrate: Django's own, where all that is to be done is done as a whole."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.checks import Tags
from django.core.management.base import CommandError
from django.core.management.commands import migrate
from django.db import DatabaseError, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from records.commands import CHECKS
from records.cures import refuse_newer, told

MIGRATION_LOCK = 0x3169A7E
"""An arbitrary number that names migrating among PostgreSQL's advisory locks."""


class Command(migrate.Command):
    """Django records a migration in a transaction after that of the migration itself. A process
    that dies in between leaves a database which can be migrated no more."""

    requires_system_checks = [*CHECKS, Tags.database]

    def execute(self, *args: Any, **options: Any) -> str | None:
        try:
            return super().execute(*args, **options)
        except DatabaseError as fault:
            raise CommandError(f"The database could not be migrated: {told(fault)}") from fault

    def handle(self, *args: Any, **options: Any) -> None:
        connection = connections[options["database"]]
        refuse_newer(connection)
        with as_a_whole(connection):
            super().handle(*args, **options)


@contextmanager
def as_a_whole(connection: BaseDatabaseWrapper) -> Iterator[None]:
    """One transaction, which others who would migrate wait for.

    SQLite changes tables only with its foreign keys off, which no transaction can switch.
    """
    with connection.constraint_checks_disabled(), transaction.atomic(connection.alias):
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_xact_lock(%s)", [MIGRATION_LOCK])
        yield
