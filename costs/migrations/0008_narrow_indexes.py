"""The sums leave the indexes of the records: they are read of an hour or two only, whose rows lie
side by side, and took a sixth of the database."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('costs', '0007_import_usage_json'),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name='costrecord',
            name='costs_record_time',
        ),
        migrations.RemoveIndex(
            model_name='costrecord',
            name='costs_record_user',
        ),
        migrations.RemoveIndex(
            model_name='costrecord',
            name='costs_record_session',
        ),
        migrations.AddIndex(
            model_name='costrecord',
            index=models.Index(fields=['timestamp'], name='costs_record_time'),
        ),
        migrations.AddIndex(
            model_name='costrecord',
            index=models.Index(fields=['user_id', 'timestamp'], name='costs_record_user'),
        ),
        migrations.AddIndex(
            model_name='costrecord',
            index=models.Index(condition=models.Q(('session_key', ''), _negated=True), fields=['session_key'], name='costs_record_session'),
        ),
    ]
