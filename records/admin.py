"""What the admin pages of records share: nothing is edited, nothing counted to its end."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import reduce
from operator import or_
from typing import Any, ClassVar

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.paginator import Paginator
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.functional import cached_property

COUNTED = 10_000

Span = tuple[datetime, datetime]
Spans = Mapping[str, tuple[str, Callable[[datetime], Span]]]


def _last(days: int) -> Callable[[datetime], Span]:
    return lambda now: (now - timedelta(days=days), now)


PERIODS: Spans = {
    "24h": ("Last 24 hours", _last(1)),
    "7d": ("Last 7 days", _last(7)),
    "30d": ("Last 30 days", _last(30)),
}


class Many(int):
    """A count that was broken off: at least so many."""

    def __str__(self) -> str:
        return f"{int(self):,}+"


class CappedPaginator(Paginator):  # type: ignore[type-arg]  # not generic when it runs
    """Counts and pages through the first 10,000 rows; search and filters lead to those beyond."""

    @cached_property
    def count(self) -> int:
        rows: QuerySet[Any] = self.object_list  # type: ignore[assignment]
        found = rows.order_by()[: COUNTED + 1].count()
        return found if found <= COUNTED else Many(COUNTED)


class PeriodFilter(admin.SimpleListFilter):
    """Rows of a period that ends now, by their `between`."""

    title = parameter_name = "period"
    periods: ClassVar[Spans] = PERIODS

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(value, title) for value, (title, _) in self.periods.items()]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        value = self.value()
        if value is None:
            return queryset
        if value not in self.periods:
            raise IncorrectLookupParameters
        _, span = self.periods[value]
        return self.within(queryset, *span(timezone.now()))

    def within(self, rows: Any, start: datetime, end: datetime) -> Any:
        return rows.between(start, end)


class QuickAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # not generic when it runs
    """A list of any length."""

    list_per_page = 100
    paginator = CappedPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER  # they would count every row for every choice


class RecordAdmin(QuickAdmin):
    """Rows that only the program writes: read here by those with the permission to view."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """The rows with the very term in a search field: what an index serves everywhere."""
        fields = self.get_search_fields(request) if search_term else ()
        matches = (Q(**{field: search_term}) for field in fields)
        return queryset.filter(reduce(or_, matches, Q())), False
