from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin

from costs.admin.columns import moment, money
from costs.admin.evidence import ExportAdmin
from costs.forms import SpendingLimitForm
from costs.models import SpendingLimit


@admin.register(SpendingLimit)
class SpendingLimitAdmin(ExportAdmin):
    form = SpendingLimitForm
    fields: ClassVar[list[Any]] = [*SpendingLimitForm.Meta.fields, moment("last_warning_at")]
    readonly_fields: ClassVar[list[Any]] = [moment("last_warning_at")]
    list_display = [
        "user_id",
        "display_name",
        money("daily_limit_nano", absent="unlimited"),
        money("monthly_limit_nano", absent="unlimited"),
        moment("last_warning_at"),
    ]
    search_fields = ["user_id", "display_name"]
