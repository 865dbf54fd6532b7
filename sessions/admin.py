from __future__ import annotations

from django.contrib import admin

from sessions.models import (
    FileAccess,
    HookLog,
    ImportedFile,
    Session,
    SessionActivity,
    ToolCall,
    ToolDay,
    ToolHour,
    ToolMonth,
)
from sessions.rollups import COLUMNS
from tasks.admin.columns import moment, reference, short
from tasks.admin.records import RecordAdmin, period


@admin.register(Session)
class SessionAdmin(RecordAdmin):
    ordering = ["-last_activity_at"]
    sortable_by = [moment("last_activity_at"), moment("started_at")]
    list_display = [
        short("key"),
        "user_id",
        reference(Session._meta.get_field("task")),
        "agent",
        "calls",
        "failures",
        moment("started_at"),
        moment("last_activity_at"),
        moment("ended_at"),
    ]
    list_filter = [period("last_activity_at", "last activity")]
    search_fields = ["key", "task_id"]
    search_help_text = "A whole session key or task id, letter by letter."
    heavy = ("title", "workspace", "facts_at")


class SessionPartAdmin(RecordAdmin):
    """Rows of a session, found by its key."""

    list_select_related = ["session"]
    search_fields = ["session__key"]
    search_help_text = "A whole session key, letter by letter."


@admin.register(ToolCall)
class ToolCallAdmin(SessionPartAdmin):
    ordering = ["-started_at"]
    list_display = [
        "tool_name",
        "session",
        moment("started_at"),
        "duration_ms",
        "success",
        "error_category",
        short("file_path"),
    ]
    list_filter = ["success", period("started_at", "start")]
    heavy = ("parameters", "error")


@admin.register(SessionActivity)
class SessionActivityAdmin(SessionPartAdmin):
    list_display = ["session", moment("time"), "event", short("message")]
    heavy = ("metadata",)


@admin.register(FileAccess)
class FileAccessAdmin(SessionPartAdmin):
    list_display = [short("path"), "session", "reads", "writes", "edits", moment("last_at")]


@admin.register(HookLog)
class HookLogAdmin(SessionPartAdmin):
    list_display = ["session", "name", "lines", "offset"]


class ToolSumsAdmin(RecordAdmin):
    search_fields = ["tool_name"]
    search_help_text = "The whole name of a tool, letter by letter."
    hidden = ("durations",)
    heavy = ("durations",)


@admin.register(ToolHour)
class ToolHourAdmin(ToolSumsAdmin):
    ordering = ["-hour"]
    list_display = ["tool_name", moment("hour"), *COLUMNS]


@admin.register(ToolDay)
class ToolDayAdmin(ToolSumsAdmin):
    ordering = ["-day"]
    list_display = ["tool_name", "day", *COLUMNS]


@admin.register(ToolMonth)
class ToolMonthAdmin(ToolSumsAdmin):
    ordering = ["-month"]
    list_display = ["tool_name", "month", *COLUMNS]


@admin.register(ImportedFile)
class ImportedFileAdmin(RecordAdmin):
    list_display = [short("path"), "accesses", "reads", "writes", "edits", moment("last_at")]
    search_fields = ["path"]
    search_help_text = "A whole path, letter by letter."
