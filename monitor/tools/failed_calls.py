"""The newest calls of a tool that failed, each with the place where its session tells of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import urlencode

from django.db.models import Count, OuterRef, Subquery
from django.db.models.functions import Coalesce, Left
from django.urls import reverse

from monitor.detail.timeline import CALLS_A_PAGE
from monitor.detail.wording import category_words, headline
from monitor.errors import SAMPLE
from monitor.periods import Period
from sessions.models import ToolCall

NEWEST = 20


@dataclass(frozen=True)
class FailedCall:
    """A failed call; `url` leads to its line in the timeline of its session."""

    call: ToolCall
    url: str
    text: str

    @classmethod
    def of(cls, call: Any) -> Self:
        page = call.newer // CALLS_A_PAGE + 1
        state = {"tool": call.tool_name, "failed": "1"} | ({"calls": page} if page > 1 else {})
        path = reverse("session", args=[call.session.key])
        return cls(call, f"{path}?{urlencode(state)}#call-{call.pk}", call.sample.strip())

    @property
    def session(self) -> str:
        return headline(self.call.session.title) or self.call.session.key

    @property
    def category(self) -> str:
        return category_words(self.call.error_category)


def newest_failed(tool: str, period: Period) -> list[FailedCall]:
    failed = ToolCall.objects.failed().of_tool(tool)
    alike = failed.filter(session=OuterRef("session"), started_at__gt=OuterRef("started_at"))
    counted = alike.order_by().values("session").annotate(n=Count("*")).values("n")
    rows = failed.between(period.start, period.end).order_by("-started_at", "-pk")[:NEWEST]
    told = rows.select_related("session").defer("error", "parameters")
    return [
        FailedCall.of(call)
        for call in told.annotate(
            sample=Left("error", SAMPLE), newer=Coalesce(Subquery(counted), 0)
        )
    ]
