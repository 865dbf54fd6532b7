"""Sessions that should never have been recorded leave, and the sums of their calls with them.

Not for what is merely old: that is pruned, and its sums stay.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.db import transaction
from django.db.models import QuerySet

from sessions.models import Session, ToolCall
from sessions.rollups import Shares


@dataclass(frozen=True, slots=True)
class Erased:
    """How many sessions are gone, and how many tool calls with them."""

    sessions: int
    calls: int


def erase(sessions: QuerySet[Session]) -> Iterator[Erased]:
    """Delete the sessions and all sub-agents below them, as if nothing had been recorded of them.

    Yields what went with each transaction, of which every session with its sub-agents has one.
    Calls that were pruned before are not known any more, and stay in the sums.
    """
    for pk in list(sessions.order_by("key").values_list("pk", flat=True)):
        if (erased := _erase(pk)).sessions:
            yield erased


@transaction.atomic
def _erase(pk: int) -> Erased:
    """Erase a family; none where it left with an earlier one.

    The rows are locked as recording does, so that nobody writes to them meanwhile.
    """
    family = Session.objects.filter(pk=pk).with_subagents()
    ids = list(family.select_for_update().order_by("key").values_list("pk", flat=True))
    shares = Shares()
    calls = list(ToolCall.objects.filter(session__in=ids).defer("parameters", "error"))
    for call in calls:
        shares.removed(call)
    shares.book()
    Session.objects.filter(pk__in=ids).delete()
    return Erased(len(ids), len(calls))
