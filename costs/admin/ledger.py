from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin

from costs.admin.columns import moment, money
from costs.admin.evidence import EvidenceAdmin
from costs.admin.filters import (
    BeforeFilter,
    CachedFilter,
    ModelFilter,
    PeriodFilter,
    RequestTypeFilter,
    SourceFilter,
)
from costs.models import (
    CostRecord,
    LedgerState,
    ModelDay,
    ModelHour,
    SessionHour,
    SessionSpan,
    TypeDay,
    TypeHour,
    UserDay,
    UserHour,
    UserModelMonth,
)
from costs.totals import TOKEN_FIELDS


@admin.register(CostRecord)
class CostRecordAdmin(EvidenceAdmin):
    search_fields = ["user_id"]
    newest_by = "timestamp"
    ordering = ["-timestamp"]
    sortable_by: ClassVar[list[Any]] = [moment("timestamp")]
    list_display = [
        moment("timestamp"),
        "user_id",
        "model",
        "request_type",
        money("cost_nano"),
        "requests",
        "input_tokens",
        "output_tokens",
        "source",
    ]
    list_filter = [
        PeriodFilter,
        BeforeFilter,
        ModelFilter,
        RequestTypeFilter,
        SourceFilter,
        CachedFilter,
    ]


class RollupAdmin(EvidenceAdmin):
    newest_by = "start"
    ordering = ["-start"]
    sortable_by: ClassVar[list[Any]] = [moment("start")]
    list_filter = [PeriodFilter, BeforeFilter]
    figures: list[Any] = [money("cost_nano"), "requests", *TOKEN_FIELDS]


@admin.register(ModelHour, ModelDay)
class ModelRollupAdmin(RollupAdmin):
    list_display = [moment("start"), "model", *RollupAdmin.figures]
    list_filter = [*RollupAdmin.list_filter, ModelFilter]


@admin.register(UserHour, UserDay)
class UserRollupAdmin(RollupAdmin):
    search_fields = ["user_id"]
    list_display = [moment("start"), "user_id", *RollupAdmin.figures]


@admin.register(TypeHour, TypeDay)
class TypeRollupAdmin(RollupAdmin):
    list_display = [moment("start"), "request_type", *RollupAdmin.figures]
    list_filter = [*RollupAdmin.list_filter, RequestTypeFilter]


@admin.register(SessionHour)
class SessionHourAdmin(RollupAdmin):
    search_fields = ["session_key"]
    search_help_text = "A whole session key, letter by letter."
    list_display = [moment("start"), "session_key", *RollupAdmin.figures]


@admin.register(SessionSpan)
class SessionSpanAdmin(EvidenceAdmin):
    ordering = ["-cost_nano"]
    search_fields = ["session_key"]
    search_help_text = SessionHourAdmin.search_help_text
    sortable_by: ClassVar[list[Any]] = []
    list_display = ["session_key", moment("first_hour"), moment("last_hour"), money("cost_nano")]


@admin.register(UserModelMonth)
class UserModelMonthAdmin(RollupAdmin):
    search_fields = ["user_id"]
    list_filter = [BeforeFilter, ModelFilter]
    list_display = [moment("start"), "user_id", "model", *RollupAdmin.figures]


@admin.register(LedgerState)
class LedgerStateAdmin(EvidenceAdmin):
    list_display = ["__str__", moment("sealed_to"), moment("pruned_before")]
