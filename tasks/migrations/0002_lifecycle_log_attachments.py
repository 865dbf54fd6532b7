import django.db.models.deletion
import django.utils.timezone
import tasks.models.attachment
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('tasks', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='Activity',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('time', models.DateTimeField()),
                ('status', models.CharField(blank=True, help_text='Blank for a line of the log.', max_length=32)),
                ('message', models.TextField(blank=True)),
                ('output_lines', models.BigIntegerField(blank=True, null=True)),
                ('metadata', models.JSONField(blank=True, default=dict)),
                ('event_id', models.CharField(help_text='The same event twice is one row.', max_length=64)),
            ],
            options={
                'verbose_name_plural': 'activity',
            },
        ),
        migrations.CreateModel(
            name='Attachment',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=200)),
                ('kind', models.CharField(choices=[('screenshot', 'Screenshot'), ('document', 'Document')], max_length=10)),
                ('media_type', models.CharField(max_length=64)),
                ('size', models.BigIntegerField(help_text='Bytes.')),
                ('file', models.FileField(storage=tasks.models.attachment.storage, upload_to=tasks.models.attachment.stored_name)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
            ],
        ),
        migrations.AddField(
            model_name='task',
            name='agent_type',
            field=models.CharField(blank=True, max_length=100),
        ),
        migrations.AddField(
            model_name='task',
            name='context',
            field=models.TextField(blank=True),
        ),
        migrations.AddField(
            model_name='task',
            name='error',
            field=models.TextField(blank=True),
        ),
        migrations.AddField(
            model_name='task',
            name='error_category',
            field=models.CharField(blank=True, max_length=32),
        ),
        migrations.AddField(
            model_name='task',
            name='error_fingerprint',
            field=models.CharField(blank=True, max_length=16),
        ),
        migrations.AddField(
            model_name='task',
            name='facts_at',
            field=models.JSONField(blank=True, default=dict, editable=False),
        ),
        migrations.AddField(
            model_name='task',
            name='host',
            field=models.CharField(blank=True, max_length=255),
        ),
        migrations.AddField(
            model_name='task',
            name='last_agent_type',
            field=models.CharField(blank=True, max_length=100),
        ),
        migrations.AddField(
            model_name='task',
            name='model',
            field=models.CharField(blank=True, max_length=100),
        ),
        migrations.AddField(
            model_name='task',
            name='phase',
            field=models.CharField(blank=True, max_length=100),
        ),
        migrations.AddField(
            model_name='task',
            name='phase_number',
            field=models.IntegerField(default=0),
        ),
        migrations.AddField(
            model_name='task',
            name='pid',
            field=models.BigIntegerField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='task',
            name='result',
            field=models.TextField(blank=True),
        ),
        migrations.AddField(
            model_name='task',
            name='status_at',
            field=models.DateTimeField(default=django.utils.timezone.now),
        ),
        migrations.AddField(
            model_name='task',
            name='workflow',
            field=models.CharField(blank=True, max_length=100),
        ),
        migrations.AddField(
            model_name='task',
            name='workspace',
            field=models.TextField(blank=True),
        ),
        migrations.AlterField(
            model_name='task',
            name='description',
            field=models.TextField(blank=True),
        ),
        migrations.AlterField(
            model_name='task',
            name='status',
            field=models.CharField(choices=[('pending', 'Pending'), ('running', 'Running'), ('stopped', 'Stopped'), ('failed', 'Failed'), ('completed', 'Completed')], default='pending', max_length=9),
        ),
        migrations.AlterField(
            model_name='task',
            name='updated_at',
            field=models.DateTimeField(default=django.utils.timezone.now),
        ),
        migrations.AlterField(
            model_name='task',
            name='user_id',
            field=models.CharField(blank=True, max_length=64),
        ),
        migrations.AddIndex(
            model_name='task',
            index=models.Index(fields=['status', 'updated_at'], name='task_heard_between'),
        ),
        migrations.AddIndex(
            model_name='task',
            index=models.Index(fields=['user_id', 'created_at'], name='task_of_user'),
        ),
        migrations.AddIndex(
            model_name='task',
            index=models.Index(condition=models.Q(('status', 'failed')), fields=['finished_at', 'error_fingerprint'], name='task_errors'),
        ),
        migrations.AddConstraint(
            model_name='task',
            constraint=models.CheckConstraint(condition=models.Q(('id', ''), _negated=True), name='tasks_task_has_id'),
        ),
        migrations.AddField(
            model_name='activity',
            name='task',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.CASCADE, related_name='activity', to='tasks.task'),
        ),
        migrations.AddField(
            model_name='attachment',
            name='task',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='attachments', to='tasks.task'),
        ),
        migrations.AddIndex(
            model_name='activity',
            index=models.Index(fields=['task', 'time'], name='activity_log'),
        ),
        migrations.AddConstraint(
            model_name='activity',
            constraint=models.UniqueConstraint(fields=('task', 'event_id'), name='tasks_activity_once_a_task'),
        ),
        migrations.AddIndex(
            model_name='attachment',
            index=models.Index(fields=['task', 'created_at'], name='attachments_of_task'),
        ),
    ]
