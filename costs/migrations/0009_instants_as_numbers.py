"""Times of the ledger as whole microseconds since 1970 on SQLite, where they were text.

On PostgreSQL nothing changes: it keeps such a number by itself.
"""

from datetime import UTC, datetime

from django.db import migrations

import records.fields

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
STARTING = (
    "modelhour",
    "modelday",
    "userhour",
    "userday",
    "typehour",
    "typeday",
    "sessionhour",
    "usermodelmonth",
)
COLUMNS = {
    "costs_costrecord": ["timestamp"],
    **{f"costs_{model}": ["start"] for model in STARTING},
    "costs_sessionspan": ["first_hour", "last_hour"],
    "costs_ledgerstate": ["sealed_to", "pruned_before"],
}
# Of a text the seconds, and the six places behind the point, where it has one.
NUMBER = (
    "CAST(strftime('%s', substr({0}, 1, 19)) AS INTEGER) * 1000000"
    " + CAST(substr(substr({0}, 21) || '000000', 1, 6) AS INTEGER)"
)
TEXT = (
    "strftime('%Y-%m-%d %H:%M:%S', {0} / 1000000, 'unixepoch')"
    " || CASE {0} % 1000000 WHEN 0 THEN '' ELSE printf('.%06d', {0} % 1000000) END"
)


def numbers(apps, schema_editor):
    """Before the tables are made anew, which packs the rows and builds the indexes again."""
    if schema_editor.connection.vendor == "sqlite":
        with schema_editor.connection.cursor() as cursor:
            for table in COLUMNS:
                drop_indexes(cursor, table)
            rewrite(cursor, NUMBER)


def texts(apps, schema_editor):
    if schema_editor.connection.vendor == "sqlite":
        with schema_editor.connection.cursor() as cursor:
            rewrite(cursor, TEXT)


def unchecked(apps, schema_editor):
    """Back, the tables are made anew first, while they hold numbers still."""
    if schema_editor.connection.vendor == "sqlite":
        with schema_editor.connection.cursor() as cursor:
            check(cursor, False)


def rewrite(cursor, form):
    check(cursor, False)
    for table, columns in COLUMNS.items():
        changes = ", ".join(f"{column} = {form.format(column)}" for column in columns)
        cursor.execute(f"UPDATE {table} SET {changes}", None)
    check(cursor, True)


def check(cursor, wanted):
    """What is of one form does not pass the checks of a table that is made for the other."""
    cursor.execute(f"PRAGMA ignore_check_constraints = {'OFF' if wanted else 'ON'}")


def drop_indexes(cursor, table):
    cursor.execute(
        "SELECT name FROM sqlite_master WHERE type = 'index' AND tbl_name = %s"
        " AND sql LIKE 'CREATE INDEX%%'",
        [table],
    )
    for (name,) in cursor.fetchall():
        cursor.execute(f'DROP INDEX "{name}"')


def instant(model, name, **options):
    return migrations.AlterField(model, name, records.fields.InstantField(**options))


STARTS = {"help_text": "The first instant of the hour or of the UTC day."}


class Migration(migrations.Migration):
    dependencies = [("costs", "0008_narrow_indexes")]

    operations = [
        migrations.RunPython(numbers, texts),
        instant("costrecord", "timestamp"),
        *(instant(model, "start", **STARTS) for model in STARTING),
        instant("sessionspan", "first_hour", help_text="The first instant of the first hour."),
        instant("sessionspan", "last_hour", help_text="The first instant of the last hour."),
        instant("ledgerstate", "sealed_to", default=EPOCH),
        instant("ledgerstate", "pruned_before", default=EPOCH),
        migrations.RunPython(migrations.RunPython.noop, unchecked),
    ]
