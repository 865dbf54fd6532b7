"""Take over USAGE_JSON where it exists, by the code of `manage.py import_usage`.

That code writes the tables as the newest models have them. A migration that changes one of them
is put before this one's operation by moving the operation to a new, last migration: an import
that was made already adds nothing.
"""

from django.conf import settings
from django.core.management.base import CommandError
from django.db import migrations


def import_usage(apps, schema_editor):
    from costs.usage_json import Refused, import_file

    try:
        if settings.USAGE_JSON.exists():
            import_file(settings.USAGE_JSON)
    except (Refused, OSError) as refusal:
        raise CommandError(
            f"{settings.USAGE_JSON}: {refusal}. Nothing was imported. Mend the file, or set"
            " USAGE_JSON to another path, and migrate again."
        ) from None


class Migration(migrations.Migration):
    dependencies = [("costs", "0010_sums_in_the_index_of_users_by_day")]

    # Backwards removes nothing: what was imported stays, and importing again adds nothing.
    operations = [migrations.RunPython(import_usage, migrations.RunPython.noop)]
