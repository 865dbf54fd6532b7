"""A family of sessions: those of a task, or a single one, with all sub-agents below them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from django.db.models import Max, QuerySet, Sum
from django.db.models.expressions import RawSQL

from sessions.models import FileAccess, Session, SessionActivity, ToolCall
from sessions.models.session import SessionQuerySet
from sessions.models.tool_call import ToolCallQuerySet

TABLE = Session._meta.db_table
# UNION drops what was met before, so that sessions which claim each other as parents end.
DESCENT = """
    WITH RECURSIVE family (id) AS (
        SELECT id FROM {table} WHERE {column} = %s
        UNION SELECT child.id FROM {table} AS child JOIN family ON child.parent_id = family.id
    ) SELECT id FROM family
"""


@dataclass(frozen=True)
class Pruned:
    """What is not kept any more: so many calls, of the time before `calls_before`, and what was
    wide of all that came before `bodies_before`; None where nothing was pruned."""

    calls: int
    calls_before: datetime | None
    bodies_before: datetime | None


@dataclass(frozen=True)
class Family:
    """The sessions of which `column` (task_id, id) holds `value`, and their sub-agents."""

    column: str
    value: Any

    @property
    def ids(self) -> RawSQL:
        text = DESCENT.format(table=TABLE, column=self.column)
        return RawSQL(text, [self.value])  # noqa: S611  (names of ours; the value is a parameter)

    @property
    def sessions(self) -> SessionQuerySet:
        return Session.objects.filter(id__in=self.ids)

    def is_head(self, session: Session) -> bool:
        return bool(getattr(session, self.column) == self.value)

    @property
    def head_calls(self) -> ToolCallQuerySet:
        """The calls of the sessions themselves, without those of sub-agents."""
        calls = ToolCall.objects.filter(**{f"session__{self.column}": self.value})
        return calls.exclude(session__parent_id__in=self.ids)

    @property
    def subagents(self) -> SessionQuerySet:
        return self.sessions.filter(parent_id__in=self.ids)

    @property
    def calls(self) -> ToolCallQuerySet:
        return ToolCall.objects.filter(session_id__in=self.ids)

    @cached_property
    def counted(self) -> dict[str, Any]:
        """What its sessions know of themselves, also of calls that are not kept."""
        return self.sessions.aggregate(
            calls=Sum("calls", default=0),
            failures=Sum("failures", default=0),
            calls_before=Max("calls_kept_from"),
            bodies_before=Max("bodies_kept_from"),
        )

    @cached_property
    def pruned(self) -> Pruned:
        calls, before = int(self.counted["calls"]), self.counted["calls_before"]
        gone = max(calls - self.calls.count(), 0) if before else 0
        return Pruned(gone, before, self.counted["bodies_before"])

    @property
    def activity(self) -> QuerySet[SessionActivity]:
        return SessionActivity.objects.filter(session_id__in=self.ids)

    @property
    def files(self) -> QuerySet[FileAccess]:
        return FileAccess.objects.filter(session_id__in=self.ids)
