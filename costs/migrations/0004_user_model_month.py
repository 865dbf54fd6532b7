"""What each user spent on each model, by month, filled from what is there.

The records that are kept fill it. Of hours that were pruned before, no record tells the model: what
UserDay holds beyond the records stands under the model "", so that users cost the same over any
months.
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
GROWN = ", ".join(
    f"{figure} = costs_usermodelmonth.{figure} + EXCLUDED.{figure}" for figure in FIGURES
)
DIFFERENT = " OR ".join(f"sum({figure}) <> 0" for figure in FIGURES)

SEALED = "timestamp < (SELECT sealed_to FROM costs_ledgerstate)"
PRUNED = "start < (SELECT pruned_before FROM costs_ledgerstate)"

# {of_record} and {of_day} are SQL for the beginning of the UTC month.
STATEMENTS = (
    f"""
    INSERT INTO costs_usermodelmonth (user_id, model, start, {COLUMNS})
    SELECT user_id, model, {{of_record}}, {SUMS} FROM costs_costrecord
    WHERE {SEALED} GROUP BY 1, 2, 3
    """,
    f"""
    INSERT INTO costs_usermodelmonth (user_id, model, start, {COLUMNS})
    SELECT user_id, '', start, {SUMS} FROM (
        SELECT user_id, {{of_day}} AS start, {COLUMNS} FROM costs_userday
        UNION ALL SELECT user_id, start, {NEGATIVE} FROM costs_usermodelmonth
    ) AS cell
    WHERE {PRUNED} GROUP BY user_id, start HAVING {DIFFERENT}
    ON CONFLICT (user_id, model, start) DO UPDATE SET {GROWN}
    """,
)
FLOORED = {
    "sqlite": {
        "of_record": "substr(timestamp, 1, 7) || '-01 00:00:00'",
        "of_day": "substr(start, 1, 7) || '-01 00:00:00'",
    },
    "postgresql": {
        "of_record": "date_trunc('month', timestamp, 'UTC')",
        "of_day": "date_trunc('month', start, 'UTC')",
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
        ('costs', '0003_type_and_session_rollups'),
    ]

    operations = [
        migrations.CreateModel(
            name='UserModelMonth',
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
                ('user_id', models.CharField(max_length=64)),
                ('model', models.CharField(blank=True, help_text='Blank also where it is not known: of hours pruned before these were kept.', max_length=100)),
            ],
            options={
                'indexes': [models.Index(fields=['start'], name='costs_usermodelmonth_start')],
                'constraints': [models.UniqueConstraint(fields=('user_id', 'model', 'start'), name='costs_usermodelmonth_cell')],
            },
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
