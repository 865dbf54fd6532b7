"""What to do about a database that cannot be used, in one line for whoever runs a command."""

from __future__ import annotations

import os
from pathlib import Path

from django.apps import AppConfig, apps
from django.conf import settings
from django.core.management.base import CommandError
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.recorder import MigrationRecorder

CURES = {
    "unable to open database file": "Its folder must exist, and be yours to write in.",
    "readonly database": "Give the file and its folder to the user who runs this.",
    "file is not a database": "Restore a backup, or move the file away to begin anew.",
    "malformed": "Restore a backup.",
    "locked": "Another program is writing to it; try again when that has ended.",
    "lock timeout": "Another program is writing to it; try again when that has ended.",
    "disk I/O error": "See whether its disk is full or faulty.",
    "is full": "Make room on its disk.",
    "No space left": "Make room on its disk.",
    "no such table": "It must be migrated (manage.py migrate).",
    "no such column": "It must be migrated (manage.py migrate).",
    "does not exist": "It must be migrated (manage.py migrate), and DATABASE_URL name it.",
    "onnection": "Start the database, or correct DATABASE_URL.",
}
ANY = "It must be migrated (manage.py migrate), writable and not full."


def told(fault: Exception) -> str:
    """The cause in one line, and what to do about it."""
    cause = " ".join(str(fault).split())
    cure = next((cure for sign, cure in CURES.items() if sign in cause), ANY)
    return f"{cause.rstrip('.')}. {cure}"


def refuse_newer(connection: BaseDatabaseWrapper) -> None:
    """Raise CommandError where a newer Agent Monitor has migrated the database already.

    Raises DatabaseError where there is no asking it.
    """
    applied = MigrationRecorder(connection).applied_migrations()
    own = {app.label: app for app in apps.get_app_configs() if is_own(app)}
    for label, name in sorted(applied):
        if label in own and name > newest(own[label]):
            raise CommandError(
                f"The database belongs to a newer Agent Monitor: {label}.{name} is not known here."
                " Install that version, or restore a backup from before it."
            )


def refuse_readonly(connection: BaseDatabaseWrapper) -> None:
    """Raise CommandError where the database is a file that may not be written to."""
    file = Path(connection.settings_dict["NAME"])
    if connection.vendor == "sqlite" and file.exists() and not os.access(file, os.W_OK):
        raise CommandError(told(PermissionError(f"{file} is a readonly database")))


def is_own(app: AppConfig) -> bool:
    """Whether it is part of this project, and no package."""
    return Path(app.path).parent == Path(settings.BASE_DIR)


def newest(app: AppConfig) -> str:
    """The name of its last migration; those before it may have been squashed."""
    return max((file.stem for file in Path(app.path, "migrations").glob("0*.py")), default="")
