"""What the admin pages of records share: nothing is edited, nothing counted to its end."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
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

from tasks.admin.columns import worded

COUNTED = 10_000
PERIODS = {
    "24h": ("Last 24 hours", timedelta(days=1)),
    "7d": ("Last 7 days", timedelta(days=7)),
    "30d": ("Last 30 days", timedelta(days=30)),
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
    """Rows whose `field` lies in the last days; one with an index."""

    parameter_name = "period"
    field: str

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(value, title) for value, (title, _) in PERIODS.items()]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        value = self.value()
        if value is None:
            return queryset
        if value not in PERIODS:
            raise IncorrectLookupParameters
        return queryset.filter(**{f"{self.field}__gte": timezone.now() - PERIODS[value][1]})


def period(field_name: str, words: str) -> type[PeriodFilter]:
    """The filter of `field_name` by period, called `words` on the page."""

    class Filter(PeriodFilter):
        title = words
        field = field_name

    return Filter


class QuickAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # not generic when it runs
    """A list of any length: found by whole values that an index serves, newest first."""

    list_per_page = 100
    paginator = CappedPaginator
    ordering: ClassVar[Any] = ["-pk"]
    sortable_by: ClassVar[Any] = ()
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER  # they would count every row for every choice
    heavy: ClassVar[Sequence[str]] = ()  # what a list leaves where it is

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).defer(*self.heavy)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """The rows with the very term in a search field: what an index serves everywhere."""
        fields = self.get_search_fields(request) if search_term else ()
        matches = (Q(**{field: search_term}) for field in fields)
        return queryset.filter(reduce(or_, matches, Q())), False


class RecordAdmin(QuickAdmin):
    """What agents reported is evidence: it is read here, never edited."""

    hidden: ClassVar[Sequence[str]] = ("facts_at",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        return [
            worded(field) for field in self.opts.concrete_fields if field.name not in self.hidden
        ]
