"""The tokens that tool calls reported, for each of many tasks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from django.db import connection
from django.db.models import Sum
from msgspec import Struct

from sessions.models import Session, ToolCall

# Each task's sessions and their sub-agents, which belong to it however they name their task.
FAMILIES = """
    WITH RECURSIVE family (task_id, id) AS (
        SELECT task_id, id FROM {table} WHERE task_id IN ({marks})
        UNION SELECT family.task_id, child.id
        FROM {table} AS child JOIN family ON child.parent_id = family.id
    ) SELECT task_id, id FROM family
"""
KINDS = ("input_tokens", "output_tokens", "cache_write_tokens", "cache_read_tokens")


class TokenUsage(Struct, frozen=True):
    """Sums over the tool calls of a task's sessions and their sub-agents; 0 where none told."""

    input_tokens: int = 0
    output_tokens: int = 0
    cache_creation_tokens: int = 0
    cache_read_tokens: int = 0


def token_usage(task_ids: Sequence[str]) -> dict[str, TokenUsage]:
    """By task, of those that have any session."""
    families = _families(task_ids)
    sessions = {pk for family in families.values() for pk in family}
    calls = ToolCall.objects.filter(session__in=sessions).values_list("session")
    sums = {pk: kinds for pk, *kinds in calls.annotate(*map(Sum, KINDS))}
    return {
        task: _added([sums[pk] for pk in family if pk in sums]) for task, family in families.items()
    }


def _added(sums: Sequence[Sequence[int]]) -> TokenUsage:
    return TokenUsage(*(int(sum(kind)) for kind in zip(*sums, strict=True)))


def _families(task_ids: Sequence[str]) -> dict[str, list[int]]:
    """The sessions of each task, by their numbers."""
    families: dict[str, list[int]] = defaultdict(list)
    if task_ids:
        marks = ", ".join(["%s"] * len(task_ids))
        with connection.cursor() as cursor:
            text = FAMILIES.format(table=Session._meta.db_table, marks=marks)
            cursor.execute(text, list(task_ids))
            for task, pk in cursor.fetchall():
                families[task].append(pk)
    return families
