"""The sums of users by day stand in the index of their days: 30 days of 200 users are 6,000 rows,
which a page would look up one by one."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('costs', '0009_instants_as_numbers'),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name='userday',
            name='costs_userday_start',
        ),
        migrations.AddIndex(
            model_name='userday',
            index=models.Index(fields=['start', 'user_id', 'requests', 'cost_nano', 'input_tokens', 'output_tokens', 'cache_read_tokens', 'cache_write_5m_tokens', 'cache_write_1h_tokens'], name='costs_userday_start'),
        ),
    ]
