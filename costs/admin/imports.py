from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from costs.admin.columns import dollars, moment, money, named
from costs.admin.evidence import EvidenceAdmin
from costs.models import ImportedUsage, UsageImport
from costs.usage_json.report import UserLine

SHOWN = 200
FIGURES = [field.name for field in fields(UserLine)]


@admin.register(UsageImport)
class UsageImportAdmin(EvidenceAdmin):
    list_display = [
        moment("created_at"),
        "file_name",
        "source",
        "users",
        "records_read",
        "records_added",
        "records_skipped",
        "requests_carried_forward",
        money("cost_nano_before"),
        money("cost_nano_after"),
    ]
    search_fields = ["file_name", "source", "sha256"]
    search_help_text = "A whole file name, source or SHA-256."

    def get_queryset(self, request: HttpRequest) -> QuerySet[UsageImport]:
        """Without the reports, each a line a user long, which a list does not show."""
        return super().get_queryset(request).defer("report")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        stored = super().get_fields(request, obj)
        return [report if field == "report" else field for field in stored]


@admin.register(ImportedUsage)
class ImportedUsageAdmin(EvidenceAdmin):
    search_fields = ["user_id"]
    list_display = ["user_id", "source", "requests", money("cost_nano")]
    sortable_by = ["user_id"]


def report(row: UsageImport) -> SafeString:
    """The notes of an import and a table of its first users."""
    lines: list[dict[str, Any]] = row.report.get("users", [])
    return format_html(
        "<ul>{}</ul><table>{}{}</table>{}",
        format_html_join("", "<li>{}: {}</li>", row.report.get("notes", {}).items()),
        _row((named(name) for name in FIGURES if lines), "<th>{}</th>"),
        format_html_join("", "{}", ((_row(_cells(line)),) for line in lines[:SHOWN])),
        f"And {len(lines) - SHOWN:,} more users." if len(lines) > SHOWN else "",
    )


def _cells(line: dict[str, Any]) -> list[object]:
    return [dollars(line[name]) if "_nano" in name else line[name] for name in FIGURES]


def _row(values: Iterable[object], cell: str = "<td>{}</td>") -> SafeString:
    return format_html("<tr>{}</tr>", format_html_join("", cell, ((value,) for value in values)))
