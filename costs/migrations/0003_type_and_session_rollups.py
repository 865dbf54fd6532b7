"""Rollups by request type and by session, filled from what is there.

The records that are kept fill the hours; the days are those of TypeHour. Of hours that were pruned
before, no record tells the type: what ModelHour holds beyond the types that are known stands
under the type "", so that types and models add up alike over any window.
"""

from django.db import migrations, models

FIGURES = (
    "requests",
    "cost_nano",
    "input_tokens",
    "output_tokens",
    "cache_read_tokens",
    "cache_write_5m_tokens",
    "cache_write_1h_tokens",
)
COLUMNS = ", ".join(FIGURES)
NEGATIVE = ", ".join(f"-{figure}" for figure in FIGURES)
SUMS = ", ".join(f"sum({figure})" for figure in FIGURES)
GROWN = ", ".join(f"{figure} = costs_typehour.{figure} + EXCLUDED.{figure}" for figure in FIGURES)
DIFFERENT = " OR ".join(f"sum({figure}) <> 0" for figure in FIGURES)

SEALED = "timestamp < (SELECT sealed_to FROM costs_ledgerstate)"
PRUNED = "start < (SELECT pruned_before FROM costs_ledgerstate)"

# {hour} and {day} are SQL for the beginning of the UTC hour or day.
STATEMENTS = (
    f"""
    INSERT INTO costs_typehour (request_type, start, {COLUMNS})
    SELECT request_type, {{hour}}, {SUMS} FROM costs_costrecord WHERE {SEALED} GROUP BY 1, 2
    """,
    f"""
    INSERT INTO costs_typehour (request_type, start, {COLUMNS})
    SELECT '', start, {SUMS} FROM (
        SELECT start, {COLUMNS} FROM costs_modelhour
        UNION ALL SELECT start, {NEGATIVE} FROM costs_typehour
    ) AS cell
    WHERE {PRUNED} GROUP BY start HAVING {DIFFERENT}
    ON CONFLICT (request_type, start) DO UPDATE SET {GROWN}
    """,
    f"""
    INSERT INTO costs_typeday (request_type, start, {COLUMNS})
    SELECT request_type, {{day}}, {SUMS} FROM costs_typehour GROUP BY 1, 2
    """,
    f"""
    INSERT INTO costs_sessionhour (session_key, start, {COLUMNS})
    SELECT session_key, {{hour}}, {SUMS} FROM costs_costrecord
    WHERE session_key <> '' AND {SEALED} GROUP BY 1, 2
    """,
)
FLOORED = {
    "sqlite": {
        "hour": "substr(timestamp, 1, 13) || ':00:00'",
        "day": "substr(start, 1, 10) || ' 00:00:00'",
    },
    "postgresql": {
        "hour": "date_trunc('hour', timestamp, 'UTC')",
        "day": "date_trunc('day', start, 'UTC')",
    },
}


def fill(apps, schema_editor):
    from costs.watermark import lock_ledger

    with schema_editor.connection.cursor() as cursor:
        lock_ledger(cursor)
        for statement in STATEMENTS:
            cursor.execute(statement.format(**FLOORED[schema_editor.connection.vendor]))


class Migration(migrations.Migration):

    dependencies = [
        ('costs', '0002_import_usage_json'),
    ]

    operations = [
        migrations.CreateModel(
            name='SessionHour',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('start', models.DateTimeField(help_text='The first instant of the hour or of the UTC day.')),
                ('requests', models.BigIntegerField()),
                ('cost_nano', models.BigIntegerField()),
                ('input_tokens', models.BigIntegerField()),
                ('output_tokens', models.BigIntegerField()),
                ('cache_read_tokens', models.BigIntegerField()),
                ('cache_write_5m_tokens', models.BigIntegerField()),
                ('cache_write_1h_tokens', models.BigIntegerField()),
                ('session_key', models.CharField(max_length=200)),
            ],
            options={
                'indexes': [models.Index(fields=['start', 'session_key', 'cost_nano'], name='costs_sessionhour_dearest')],
                'constraints': [models.UniqueConstraint(fields=('session_key', 'start'), name='costs_sessionhour_cell')],
            },
        ),
        migrations.CreateModel(
            name='TypeDay',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('start', models.DateTimeField(help_text='The first instant of the hour or of the UTC day.')),
                ('requests', models.BigIntegerField()),
                ('cost_nano', models.BigIntegerField()),
                ('input_tokens', models.BigIntegerField()),
                ('output_tokens', models.BigIntegerField()),
                ('cache_read_tokens', models.BigIntegerField()),
                ('cache_write_5m_tokens', models.BigIntegerField()),
                ('cache_write_1h_tokens', models.BigIntegerField()),
                ('request_type', models.CharField(blank=True, help_text='Blank also where it is not known: of hours pruned before types were kept.', max_length=32)),
            ],
            options={
                'abstract': False,
                'indexes': [models.Index(fields=['start'], name='costs_typeday_start')],
                'constraints': [models.UniqueConstraint(fields=('request_type', 'start'), name='costs_typeday_cell')],
            },
        ),
        migrations.CreateModel(
            name='TypeHour',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('start', models.DateTimeField(help_text='The first instant of the hour or of the UTC day.')),
                ('requests', models.BigIntegerField()),
                ('cost_nano', models.BigIntegerField()),
                ('input_tokens', models.BigIntegerField()),
                ('output_tokens', models.BigIntegerField()),
                ('cache_read_tokens', models.BigIntegerField()),
                ('cache_write_5m_tokens', models.BigIntegerField()),
                ('cache_write_1h_tokens', models.BigIntegerField()),
                ('request_type', models.CharField(blank=True, help_text='Blank also where it is not known: of hours pruned before types were kept.', max_length=32)),
            ],
            options={
                'abstract': False,
                'indexes': [models.Index(fields=['start'], name='costs_typehour_start')],
                'constraints': [models.UniqueConstraint(fields=('request_type', 'start'), name='costs_typehour_cell')],
            },
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
