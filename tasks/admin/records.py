"""What the admin pages of tasks and sessions share."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, ClassVar

from django.db.models import QuerySet
from django.http import HttpRequest

from records import admin
from tasks.admin.columns import worded


def period(field: str, words: str) -> type[admin.PeriodFilter]:
    """The filter of `field`, one with an index, by period; called `words` on the page."""

    class Filter(admin.PeriodFilter):
        title = words

        def within(self, rows: Any, start: datetime, end: datetime) -> Any:
            return rows.filter(**{f"{field}__gte": start})

    return Filter


class RecordAdmin(admin.RecordAdmin):
    """What agents reported is evidence: it is read here, never edited. The newest comes first."""

    ordering: ClassVar[Any] = ["-pk"]
    sortable_by: ClassVar[Any] = ()
    heavy: ClassVar[Sequence[str]] = ()  # what a list leaves where it is
    hidden: ClassVar[Sequence[str]] = ("facts_at",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).defer(*self.heavy)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        return [
            worded(field) for field in self.opts.concrete_fields if field.name not in self.hidden
        ]
