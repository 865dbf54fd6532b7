"""What the admin pages of the ledger share: nothing is edited, nothing counted to its end."""

from __future__ import annotations

from functools import reduce
from operator import or_
from typing import Any

from django.contrib import admin
from django.core.paginator import Paginator
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest, StreamingHttpResponse
from django.utils.functional import cached_property

from costs.admin.columns import worded
from costs.export import csv_response

COUNTED = 10_000


class Many(int):
    """A count that was broken off: at least so many."""

    def __str__(self) -> str:
        return f"{int(self):,}+"


class CappedPaginator(Paginator):  # type: ignore[type-arg]  # not generic when it runs
    """Counts and pages through the first 10,000 rows; filters lead to those beyond."""

    @cached_property
    def count(self) -> int:
        rows: QuerySet[Any] = self.object_list  # type: ignore[assignment]
        found = rows.order_by()[: COUNTED + 1].count()
        return found if found <= COUNTED else Many(COUNTED)


class ExportAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # not generic when it runs
    """A list of any length, of which a selection can be taken away as CSV."""

    newest_by = "pk"  # the field that orders an export, with an index that serves it
    actions = ["export_csv"]
    list_per_page = 100
    paginator = CappedPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER  # they would count every row for every choice

    @admin.action(description="Export selected %(verbose_name_plural)s as CSV")
    def export_csv(self, request: HttpRequest, rows: QuerySet[Model]) -> StreamingHttpResponse:
        return csv_response(request, rows, self.newest_by)


class EvidenceAdmin(ExportAdmin):
    """Rows that only the program writes: read here by those with the permission to view."""

    search_help_text = "A whole user id, letter by letter."

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        return [worded(field) for field in self.opts.concrete_fields if not field.primary_key]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """The rows with the very term in a search field: what an index serves everywhere."""
        fields = self.get_search_fields(request) if search_term else ()
        matches = (Q(**{field: search_term}) for field in fields)
        return queryset.filter(reduce(or_, matches, Q())), False
