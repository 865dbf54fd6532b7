"""Empty tables between two examples of a property, which share one transaction."""

from __future__ import annotations

from django.db import connection
from django.db.models import Model


def empty(*tables: type[Model]) -> None:
    """Delete all rows of tables that nothing refers to.

    On PostgreSQL by TRUNCATE: what is deleted there stays until the transaction ends, and each
    example would read past the rows of all before it.
    """
    if connection.vendor == "postgresql":
        names = ", ".join(table._meta.db_table for table in tables)
        with connection.cursor() as cursor:
            cursor.execute(f"TRUNCATE {names}")
    else:
        for table in tables:
            table._default_manager.all().delete()
