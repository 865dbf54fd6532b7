"""What an import took, and how it is asked for."""

from datetime import UTC, timedelta

from docsviewer.models import Document
from monitor.origin_database import Options, import_database
from sessions.models import ImportedFile, Session, ToolCall, ToolDay
from tasks.models import Activity, Task
from tests.monitor.origin_database.origindb import START


def moment(seconds=0):
    return START.replace(tzinfo=UTC) + timedelta(seconds=seconds)


def counts(report, table):
    line = report.lines[table]
    return line.read, line.added, line.there, line.merged, line.refused


def everything():
    """All rows that an import writes, as plain values."""
    models = (Task, Activity, Session, ToolCall, ToolDay, ImportedFile, Document)
    return [sorted(model.objects.values_list(), key=repr) for model in models]


def imported(origin, **options):
    return import_database(origin.path, Options(zone=UTC, **options))
