"""What the admin pages of the ledger share: nothing is edited, nothing counted to its end."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest, StreamingHttpResponse

from costs.admin.columns import worded
from costs.export import csv_response
from records.admin import QuickAdmin, RecordAdmin


class ExportAdmin(QuickAdmin):
    """A list of any length, of which a selection can be taken away as CSV."""

    newest_by = "pk"  # the field that orders an export, with an index that serves it
    actions = ["export_csv"]

    @admin.action(description="Export selected %(verbose_name_plural)s as CSV")
    def export_csv(self, request: HttpRequest, rows: QuerySet[Model]) -> StreamingHttpResponse:
        return csv_response(rows, self.newest_by)


class EvidenceAdmin(ExportAdmin, RecordAdmin):
    """The ledger's rows: read, taken away, never edited."""

    search_help_text = "A whole user id, letter by letter."

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        return [worded(field) for field in self.opts.concrete_fields if not field.primary_key]
