from __future__ import annotations

from django.contrib import admin

from docsviewer.models import Document
from tasks.admin.columns import moment, reference, short
from tasks.admin.records import RecordAdmin


@admin.register(Document)
class DocumentAdmin(RecordAdmin):
    list_display = [
        short("path"),
        "status",
        reference(Document._meta.get_field("task")),
        moment("updated_at"),
        moment("archived_at"),
    ]
    list_filter = ["status"]
    search_fields = ["path", "task_id"]
    search_help_text = "A whole path or task id, letter by letter."
