"""Once took over USAGE_JSON; the last migration of that name does it now, see there."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("costs", "0009_instants_as_numbers")]

    operations = []
