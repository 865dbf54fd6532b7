from __future__ import annotations

from django.contrib import admin

from tasks.admin.columns import moment, reference, short
from tasks.admin.records import RecordAdmin, period
from tasks.models import Activity, Task


@admin.register(Task)
class TaskAdmin(RecordAdmin):
    ordering = ["-created_at"]
    sortable_by = [moment("created_at"), moment("updated_at")]
    list_display = [
        "id",
        "status",
        "user_id",
        short("description"),
        "model",
        moment("created_at"),
        moment("updated_at"),
        moment("finished_at"),
    ]
    list_filter = ["status", period("created_at", "creation")]
    search_fields = ["id", "user_id"]
    search_help_text = "A whole task id or user id, letter by letter."
    heavy = ("context", "result", "error", "workspace", "facts_at")


@admin.register(Activity)
class ActivityAdmin(RecordAdmin):
    list_display = [
        "id",
        reference(Activity._meta.get_field("task")),
        moment("time"),
        "status",
        short("message"),
    ]
    search_fields = ["task_id"]
    search_help_text = "A whole task id, letter by letter."
    heavy = ("metadata",)
