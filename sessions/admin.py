from django.contrib import admin

from sessions.models import Session, ToolCall
from tasks.admin import RecordAdmin


@admin.register(Session)
class SessionAdmin(RecordAdmin):
    list_display = ["key", "user_id", "task", "started_at", "last_activity_at", "ended_at"]
    list_select_related = ["task"]
    search_fields = ["=key", "=user_id"]
    ordering = ["-id"]


@admin.register(ToolCall)
class ToolCallAdmin(RecordAdmin):
    list_display = ["tool_name", "session", "success", "started_at", "finished_at"]
    list_select_related = ["session"]
    list_filter = ["success"]
    search_fields = ["=tool_name", "=session__key"]
    ordering = ["-id"]
