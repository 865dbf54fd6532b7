"""What each session cost in all, and from which hour to which: the sums of its hours.

The dearest sessions of a long window come from these, so the index of the hours need not hold keys
and costs any more.
"""

from django.db import migrations, models

FILL = """
    INSERT INTO costs_sessionspan (session_key, first_hour, last_hour, cost_nano)
    SELECT session_key, min(start), max(start), sum(cost_nano)
    FROM costs_sessionhour GROUP BY session_key
"""


def fill(apps, schema_editor):
    from costs.watermark import lock_ledger

    with schema_editor.connection.cursor() as cursor:
        lock_ledger(cursor)
        cursor.execute(FILL)


class Migration(migrations.Migration):

    dependencies = [
        ('costs', '0005_import_usage_json'),
    ]

    operations = [
        migrations.CreateModel(
            name='SessionSpan',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('session_key', models.CharField(max_length=200, unique=True)),
                ('first_hour', models.DateTimeField(help_text='The first instant of the first hour.')),
                ('last_hour', models.DateTimeField(help_text='The first instant of the last hour.')),
                ('cost_nano', models.BigIntegerField()),
            ],
            options={
                'indexes': [models.Index(fields=['-cost_nano', 'session_key', 'first_hour', 'last_hour'], name='costs_sessionspan_dearest')],
            },
        ),
        # Before the indexes: it waits for writers of the ledger, and must hold no lock they wait for.
        migrations.RunPython(fill, migrations.RunPython.noop),
        migrations.RemoveIndex(
            model_name='sessionhour',
            name='costs_sessionhour_dearest',
        ),
        migrations.AddIndex(
            model_name='sessionhour',
            index=models.Index(fields=['start'], name='costs_sessionhour_start'),
        ),
    ]
