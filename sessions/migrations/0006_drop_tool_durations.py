from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ('agent_sessions', '0005_fill_tool_hours_and_months'),
    ]

    operations = [
        migrations.DeleteModel(
            name='ToolDuration',
        ),
    ]
