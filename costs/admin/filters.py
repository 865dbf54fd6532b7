"""Filters that stay quick on millions of rows, and through which every row can be reached."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, ClassVar

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import PAGE_VAR
from django.http import HttpRequest
from django.utils import timezone

from costs.instants import local_month
from costs.models import CostRecord, ModelDay
from costs.usage import storable
from records import admin as records

RECENT = 1_000
OFFERED = 50
BLANK = "(none)"
CACHED, YES = "cached", "yes"


def _this_month(now: datetime) -> records.Span:
    return local_month(now, timezone.get_default_timezone())


class PeriodFilter(records.PeriodFilter):
    periods: ClassVar[records.Spans] = {**records.PERIODS, "month": ("This month", _this_month)}


class CachedFilter(admin.SimpleListFilter):
    title = "tokens of the cache"
    parameter_name = CACHED

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(YES, "Some")]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        return queryset.cached() if self.value() == YES else queryset


class TypedFilter(admin.SimpleListFilter):
    """A filter with an input for its value beside the links."""

    template = "costs/typed_filter.html"
    parameter_name: str
    input_type: ClassVar[str] = "text"
    hint: ClassVar[str]

    def __init__(self, request: HttpRequest, params: Any, model: Any, model_admin: Any) -> None:
        super().__init__(request, params, model, model_admin)
        own = {self.parameter_name, PAGE_VAR}
        self.kept = [
            (name, value)
            for name, values in request.GET.lists()
            for value in values
            if name not in own
        ]

    def has_output(self) -> bool:
        return True

    def value(self) -> str | None:
        """What is asked for; an input left empty asks for nothing."""
        return super().value() or None


class BeforeFilter(TypedFilter):
    """The way to rows that lie further back than the pages of a list reach."""

    title = "time (UTC)"
    parameter_name = "before"
    input_type = "datetime-local"
    hint = "Before"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return []

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        value = self.value()
        return queryset if value is None else queryset.before(_instant(value))


def _instant(text: str) -> datetime:
    try:
        instant = datetime.fromisoformat(text)
        return (instant if instant.tzinfo else instant.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError) as fault:
        raise IncorrectLookupParameters from fault


class SeenFilter(TypedFilter):
    """Offers the values of the newest records, and takes any other by its name."""

    hint = "Another"

    def seen(self) -> set[str]:
        newest = CostRecord.objects.order_by("-pk").values_list(self.parameter_name, flat=True)
        return set(newest[:RECENT])

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(value or BLANK, value or BLANK) for value in sorted(self.seen())[:OFFERED]]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        value = self.value()
        if value is None:
            return queryset
        if not storable(value):
            raise IncorrectLookupParameters
        return queryset.filter(**{self.parameter_name: "" if value == BLANK else value})


class ModelFilter(SeenFilter):
    title = parameter_name = "model"

    def seen(self) -> set[str]:
        """Every model up to the last seal, and those of the newest records."""
        return super().seen() | set(ModelDay.objects.values_list("model", flat=True).distinct())


class RequestTypeFilter(SeenFilter):
    title = "request type"
    parameter_name = "request_type"


class SourceFilter(SeenFilter):
    title = parameter_name = "source"
