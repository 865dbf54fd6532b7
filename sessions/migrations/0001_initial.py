import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('tasks', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='Session',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.CharField(max_length=200, unique=True)),
                ('user_id', models.CharField(blank=True, max_length=64)),
                ('started_at', models.DateTimeField()),
                ('last_activity_at', models.DateTimeField()),
                ('ended_at', models.DateTimeField(blank=True, null=True)),
                ('task', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='sessions', to='tasks.task')),
            ],
        ),
        migrations.CreateModel(
            name='ToolCall',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('tool_use_id', models.CharField(blank=True, max_length=128)),
                ('tool_name', models.CharField(max_length=128)),
                ('started_at', models.DateTimeField()),
                ('finished_at', models.DateTimeField(blank=True, null=True)),
                ('success', models.BooleanField(blank=True, null=True)),
                ('session', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='tool_calls', to='agent_sessions.session')),
            ],
        ),
        migrations.AddIndex(
            model_name='session',
            index=models.Index(fields=['started_at'], name='session_between'),
        ),
        migrations.AddConstraint(
            model_name='session',
            constraint=models.CheckConstraint(condition=models.Q(('last_activity_at__gte', models.F('started_at'))), name='agent_sessions_session_active_after_start'),
        ),
        migrations.AddIndex(
            model_name='toolcall',
            index=models.Index(fields=['started_at'], name='toolcall_between'),
        ),
        migrations.AddConstraint(
            model_name='toolcall',
            constraint=models.UniqueConstraint(condition=models.Q(('tool_use_id', ''), _negated=True), fields=('session', 'tool_use_id'), name='agent_sessions_toolcall_once_a_session'),
        ),
        migrations.AddConstraint(
            model_name='toolcall',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('finished_at__isnull', True), ('success__isnull', True)), models.Q(('finished_at__isnull', False), ('success__isnull', False)), _connector='OR'), name='agent_sessions_toolcall_outcome_has_time'),
        ),
    ]
