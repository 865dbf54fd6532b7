from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('agent_sessions', '0003_session_activity'),
    ]

    operations = [
        migrations.CreateModel(
            name='ToolHour',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('tool_name', models.CharField(max_length=128)),
                ('calls', models.BigIntegerField()),
                ('failures', models.BigIntegerField()),
                ('timed', models.BigIntegerField(default=0, help_text='Calls whose duration is known.')),
                ('total_ms', models.BigIntegerField(default=0, help_text='What these took together.')),
                ('durations', models.BinaryField(default=b'', help_text='How many of these in each bucket (sessions.durations).')),
                ('hour', models.DateTimeField(help_text='The first instant of the hour.')),
            ],
            options={
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='ToolMonth',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('tool_name', models.CharField(max_length=128)),
                ('calls', models.BigIntegerField()),
                ('failures', models.BigIntegerField()),
                ('timed', models.BigIntegerField(default=0, help_text='Calls whose duration is known.')),
                ('total_ms', models.BigIntegerField(default=0, help_text='What these took together.')),
                ('durations', models.BinaryField(default=b'', help_text='How many of these in each bucket (sessions.durations).')),
                ('month', models.DateField(help_text='The first day of the UTC month.')),
            ],
            options={
                'abstract': False,
            },
        ),
        migrations.AddField(
            model_name='toolday',
            name='durations',
            field=models.BinaryField(default=b'', help_text='How many of these in each bucket (sessions.durations).'),
        ),
        migrations.AddField(
            model_name='toolday',
            name='timed',
            field=models.BigIntegerField(default=0, help_text='Calls whose duration is known.'),
        ),
        migrations.AddField(
            model_name='toolday',
            name='total_ms',
            field=models.BigIntegerField(default=0, help_text='What these took together.'),
        ),
        migrations.AddIndex(
            model_name='toolcall',
            index=models.Index(condition=models.Q(('success', False)), fields=['error_fingerprint', 'started_at'], name='toolcall_alike'),
        ),
        migrations.AddIndex(
            model_name='toolcall',
            index=models.Index(condition=models.Q(('success', False)), fields=['tool_name', 'started_at', 'error_fingerprint'], name='toolcall_tool_errors'),
        ),
        migrations.AddIndex(
            model_name='toolcall',
            index=models.Index(condition=models.Q(('success__isnull', True)), fields=['session'], name='toolcall_in_progress'),
        ),
        migrations.AddIndex(
            model_name='toolcall',
            index=models.Index(condition=models.Q(('file_path', ''), _negated=True), fields=['started_at', 'file_path', 'tool_name', 'session'], name='toolcall_file_uses'),
        ),
        migrations.AddConstraint(
            model_name='toolday',
            constraint=models.CheckConstraint(condition=models.Q(('calls__gte', models.F('timed')), ('timed__gte', 0), ('total_ms__gte', 0)), name='agent_sessions_toolday_timed_are_calls'),
        ),
        migrations.AddIndex(
            model_name='toolhour',
            index=models.Index(fields=['hour'], name='toolhour_hours'),
        ),
        migrations.AddConstraint(
            model_name='toolhour',
            constraint=models.CheckConstraint(condition=models.Q(('calls__gte', models.F('failures')), ('failures__gte', 0)), name='agent_sessions_toolhour_failures_are_calls'),
        ),
        migrations.AddConstraint(
            model_name='toolhour',
            constraint=models.CheckConstraint(condition=models.Q(('calls__gte', models.F('timed')), ('timed__gte', 0), ('total_ms__gte', 0)), name='agent_sessions_toolhour_timed_are_calls'),
        ),
        migrations.AddConstraint(
            model_name='toolhour',
            constraint=models.UniqueConstraint(fields=('tool_name', 'hour'), name='agent_sessions_toolhour_once_an_hour'),
        ),
        migrations.AddIndex(
            model_name='toolmonth',
            index=models.Index(fields=['month'], name='toolmonth_months'),
        ),
        migrations.AddConstraint(
            model_name='toolmonth',
            constraint=models.CheckConstraint(condition=models.Q(('calls__gte', models.F('failures')), ('failures__gte', 0)), name='agent_sessions_toolmonth_failures_are_calls'),
        ),
        migrations.AddConstraint(
            model_name='toolmonth',
            constraint=models.CheckConstraint(condition=models.Q(('calls__gte', models.F('timed')), ('timed__gte', 0), ('total_ms__gte', 0)), name='agent_sessions_toolmonth_timed_are_calls'),
        ),
        migrations.AddConstraint(
            model_name='toolmonth',
            constraint=models.UniqueConstraint(fields=('tool_name', 'month'), name='agent_sessions_toolmonth_once_a_month'),
        ),
    ]
