from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from tasks.models import Task


class RecordAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # not generic when it runs
    """What agents reported is evidence: it is read here, never edited."""

    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Task)
class TaskAdmin(RecordAdmin):
    list_display = ["id", "status", "user_id", "description", "created_at", "finished_at"]
    list_filter = ["status"]
    search_fields = ["=id", "=user_id"]
    ordering = ["-created_at"]
