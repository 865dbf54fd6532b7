import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('agent_sessions', '0001_initial'),
        ('tasks', '0002_lifecycle_log_attachments'),
    ]

    operations = [
        migrations.CreateModel(
            name='FileAccess',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('path', models.CharField(max_length=500)),
                ('reads', models.BigIntegerField(default=0)),
                ('writes', models.BigIntegerField(default=0)),
                ('edits', models.BigIntegerField(default=0)),
                ('first_at', models.DateTimeField()),
                ('last_at', models.DateTimeField()),
            ],
            options={
                'verbose_name_plural': 'file accesses',
            },
        ),
        migrations.CreateModel(
            name='HookLog',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(help_text="Of the file in the session's folder.", max_length=64)),
                ('offset', models.BigIntegerField(help_text='Bytes read; the next line begins here.')),
                ('lines', models.BigIntegerField(help_text='Lines read.')),
                ('head', models.CharField(help_text='Digest of the bytes read: a grown file begins with them.', max_length=32)),
            ],
        ),
        migrations.CreateModel(
            name='ImportedFile',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('path', models.CharField(max_length=500, unique=True)),
                ('first_at', models.DateTimeField()),
                ('last_at', models.DateTimeField()),
                ('accesses', models.BigIntegerField()),
                ('reads', models.BigIntegerField(default=0)),
                ('writes', models.BigIntegerField(default=0)),
                ('edits', models.BigIntegerField(default=0)),
                ('size', models.BigIntegerField(blank=True, help_text='Bytes.', null=True)),
                ('digest', models.CharField(blank=True, max_length=128)),
            ],
        ),
        migrations.CreateModel(
            name='ToolDay',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('tool_name', models.CharField(max_length=128)),
                ('day', models.DateField(help_text='UTC.')),
                ('calls', models.BigIntegerField()),
                ('failures', models.BigIntegerField()),
            ],
        ),
        migrations.CreateModel(
            name='ToolDuration',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('tool_name', models.CharField(max_length=128)),
                ('month', models.DateField(help_text='The first day of the UTC month.')),
                ('bucket', models.IntegerField()),
                ('calls', models.BigIntegerField()),
            ],
        ),
        migrations.RemoveIndex(
            model_name='toolcall',
            name='toolcall_between',
        ),
        migrations.AddField(
            model_name='session',
            name='agent',
            field=models.CharField(blank=True, max_length=100),
        ),
        migrations.AddField(
            model_name='session',
            name='calls',
            field=models.BigIntegerField(default=0, help_text='Its tool calls, as many as their rows.'),
        ),
        migrations.AddField(
            model_name='session',
            name='end_reason',
            field=models.CharField(blank=True, max_length=100),
        ),
        migrations.AddField(
            model_name='session',
            name='facts_at',
            field=models.JSONField(blank=True, default=dict, editable=False),
        ),
        migrations.AddField(
            model_name='session',
            name='failures',
            field=models.BigIntegerField(default=0, help_text='Those of them that failed.'),
        ),
        migrations.AddField(
            model_name='session',
            name='git_branch',
            field=models.CharField(blank=True, max_length=255),
        ),
        migrations.AddField(
            model_name='session',
            name='host',
            field=models.CharField(blank=True, max_length=255),
        ),
        migrations.AddField(
            model_name='session',
            name='model',
            field=models.CharField(blank=True, max_length=100),
        ),
        migrations.AddField(
            model_name='session',
            name='parent',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='subagents', to='agent_sessions.session'),
        ),
        migrations.AddField(
            model_name='session',
            name='source',
            field=models.CharField(blank=True, max_length=64),
        ),
        migrations.AddField(
            model_name='session',
            name='title',
            field=models.TextField(blank=True),
        ),
        migrations.AddField(
            model_name='session',
            name='workspace',
            field=models.TextField(blank=True),
        ),
        migrations.AddField(
            model_name='toolcall',
            name='cache_read_tokens',
            field=models.BigIntegerField(default=0),
        ),
        migrations.AddField(
            model_name='toolcall',
            name='cache_write_tokens',
            field=models.BigIntegerField(default=0),
        ),
        migrations.AddField(
            model_name='toolcall',
            name='duration_ms',
            field=models.BigIntegerField(blank=True, help_text='As reported, else from start to end; milliseconds.', null=True),
        ),
        migrations.AddField(
            model_name='toolcall',
            name='error',
            field=models.TextField(blank=True),
        ),
        migrations.AddField(
            model_name='toolcall',
            name='error_category',
            field=models.CharField(blank=True, max_length=32),
        ),
        migrations.AddField(
            model_name='toolcall',
            name='error_fingerprint',
            field=models.CharField(blank=True, max_length=16),
        ),
        migrations.AddField(
            model_name='toolcall',
            name='file_path',
            field=models.CharField(blank=True, max_length=500),
        ),
        migrations.AddField(
            model_name='toolcall',
            name='input_tokens',
            field=models.BigIntegerField(default=0),
        ),
        migrations.AddField(
            model_name='toolcall',
            name='output_tokens',
            field=models.BigIntegerField(default=0),
        ),
        migrations.AddField(
            model_name='toolcall',
            name='parameters',
            field=models.JSONField(blank=True, default=dict),
        ),
        migrations.AddField(
            model_name='toolcall',
            name='reported_ms',
            field=models.BigIntegerField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='toolcall',
            name='reported_start_at',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AlterField(
            model_name='session',
            name='task',
            field=models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='sessions', to='tasks.task'),
        ),
        migrations.AlterField(
            model_name='toolcall',
            name='started_at',
            field=models.DateTimeField(help_text='The earliest time known of it.'),
        ),
        migrations.AddIndex(
            model_name='session',
            index=models.Index(fields=['last_activity_at'], name='session_heard_between'),
        ),
        migrations.AddIndex(
            model_name='toolcall',
            index=models.Index(fields=['started_at', 'tool_name', 'duration_ms', 'success'], name='toolcall_between'),
        ),
        migrations.AddIndex(
            model_name='toolcall',
            index=models.Index(fields=['session', 'started_at'], name='toolcall_timeline'),
        ),
        migrations.AddIndex(
            model_name='toolcall',
            index=models.Index(fields=['session', 'tool_name', 'started_at'], name='toolcall_tool_timeline'),
        ),
        migrations.AddIndex(
            model_name='toolcall',
            index=models.Index(condition=models.Q(('file_path', ''), _negated=True), fields=['session', 'file_path'], name='toolcall_files'),
        ),
        migrations.AddIndex(
            model_name='toolcall',
            index=models.Index(condition=models.Q(('success', False)), fields=['started_at', 'error_fingerprint'], name='toolcall_errors'),
        ),
        migrations.AddConstraint(
            model_name='session',
            constraint=models.CheckConstraint(condition=models.Q(('key', ''), _negated=True), name='agent_sessions_session_has_key'),
        ),
        migrations.AddConstraint(
            model_name='session',
            constraint=models.CheckConstraint(condition=models.Q(('calls__gte', models.F('failures')), ('failures__gte', 0)), name='agent_sessions_session_failures_are_calls'),
        ),
        migrations.AddConstraint(
            model_name='toolcall',
            constraint=models.CheckConstraint(condition=models.Q(('duration_ms__isnull', True), ('duration_ms__gte', 0), _connector='OR'), name='agent_sessions_toolcall_duration_is_positive'),
        ),
        migrations.AddField(
            model_name='fileaccess',
            name='session',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='files', to='agent_sessions.session'),
        ),
        migrations.AddField(
            model_name='hooklog',
            name='session',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='hook_logs', to='agent_sessions.session'),
        ),
        migrations.AddField(
            model_name='importedfile',
            name='tasks',
            field=models.ManyToManyField(db_constraint=False, related_name='imported_files', to='tasks.task'),
        ),
        migrations.AddIndex(
            model_name='toolday',
            index=models.Index(fields=['day'], name='toolday_days'),
        ),
        migrations.AddConstraint(
            model_name='toolday',
            constraint=models.UniqueConstraint(fields=('tool_name', 'day'), name='agent_sessions_toolday_once_a_day'),
        ),
        migrations.AddConstraint(
            model_name='toolday',
            constraint=models.CheckConstraint(condition=models.Q(('calls__gte', models.F('failures')), ('failures__gte', 0)), name='agent_sessions_toolday_failures_are_calls'),
        ),
        migrations.AddIndex(
            model_name='toolduration',
            index=models.Index(fields=['month'], name='toolduration_months'),
        ),
        migrations.AddConstraint(
            model_name='toolduration',
            constraint=models.UniqueConstraint(fields=('tool_name', 'month', 'bucket'), name='agent_sessions_toolduration_once_a_month'),
        ),
        migrations.AddConstraint(
            model_name='toolduration',
            constraint=models.CheckConstraint(condition=models.Q(('calls__gte', 0)), name='agent_sessions_toolduration_counts'),
        ),
        migrations.AddConstraint(
            model_name='fileaccess',
            constraint=models.UniqueConstraint(fields=('session', 'path'), name='agent_sessions_fileaccess_once_a_session'),
        ),
        migrations.AddConstraint(
            model_name='hooklog',
            constraint=models.UniqueConstraint(fields=('session', 'name'), name='agent_sessions_hooklog_once_a_session'),
        ),
    ]
