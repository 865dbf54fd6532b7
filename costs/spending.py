"""What was spent in a window under a filter: every figure, breakdown and row of one page.

Sums come from the rollups where one is kept that can tell, else from the raw records. What a
rollup knows but not by what it is asked for, as one user's request types before the oldest record
kept, stands under a blank name, so that every breakdown adds up to the totals.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import cached_property

from django.db import connection
from django.db.models import Sum

from costs.dearest import dearest
from costs.models import CostRecord
from costs.models.record import CostRecordQuerySet
from costs.series import series
from costs.sheet import Sheet, sheet
from costs.sources import answered, is_raw
from costs.totals import SUMMED_FIELDS, Spend, Totals, added
from costs.watermark import Watermark, watermark
from costs.windows import grouped, summed


@dataclass(frozen=True, slots=True)
class Filter:
    """What of the ledger is asked for; None is all, a blank text what has no such name."""

    user_id: str | None = None
    model: str | None = None
    request_type: str | None = None
    source: str | None = None

    @property
    def only(self) -> dict[str, str]:
        """The columns that are asked for, each with its value."""
        return {column: value for column, value in asdict(self).items() if value is not None}

    def records(self) -> CostRecordQuerySet:
        """The raw records it selects, at any time."""
        return CostRecord.objects.filter(**self.only)


EVERYTHING = Filter()


@dataclass(frozen=True)
class Spending:
    """What was spent in [start, end) under a filter, exact to the nano-dollar.

    Each part is read when it is first asked for. Where nearly all will be, `edges` are given, those
    of the series from `start` to `end`: what raw records must tell is then read once, if it can be.
    """

    start: datetime
    end: datetime
    only: Filter = EVERYTHING
    edges: Sequence[datetime] = ()

    @property
    def is_raw(self) -> bool:
        """Whether raw records alone can tell, and so nothing is known of what was pruned."""
        return is_raw(self.start, self.end, self._mark, self.only.only)

    @property
    def bounds(self) -> tuple[datetime, datetime]:
        """What is truly answered: whole hours where records are pruned, or nothing if `is_raw`."""
        return answered(self.start, self.end, self._mark, self.only.only)

    @cached_property
    def _mark(self) -> Watermark:
        with connection.cursor() as cursor:
            return watermark(cursor)

    @cached_property
    def sheet(self) -> Sheet | None:
        """The one reading of raw records, where `edges` are given and the filter takes several."""
        if not self.edges or self.only.only.keys() <= {"model"}:
            return None
        return sheet(self.edges, self.only.only)

    @cached_property
    def totals(self) -> Totals:
        if self.sheet or self.only.only.keys() <= {"model"}:  # as many cells in all as by model
            return added(self.by_model.values())
        return Totals(*summed(SUMMED_FIELDS, self.start, self.end, self.only.only))

    @cached_property
    def by_model(self) -> dict[str, Totals]:
        """The Totals of each model; "" is none, or not known."""
        return self.sheet.by("model") if self.sheet else self._by("model")

    @cached_property
    def by_user(self) -> dict[str, Totals]:
        """The Totals of each user; "" is not known."""
        if self.sheet and self.only.user_id is not None:
            return {self.only.user_id: self.totals} if self.by_model else {}
        return self._by("user_id")

    @cached_property
    def by_type(self) -> dict[str, Totals]:
        """The Totals of each request type; "" is none, or not known."""
        return self.sheet.by("request_type") if self.sheet else self._by("request_type")

    def _by(self, column: str) -> dict[str, Totals]:
        return grouped(column, self.start, self.end, self.only.only)

    def by_session(self, top: int) -> list[tuple[str, Totals]]:
        """The `top` dearest sessions, the dearest first, equal ones by their keys.

        Records without a session, and what is pruned under a filter, are in none.
        """
        return dearest(self.start, self.end, self.only.only, top)

    def series(self, edges: Sequence[datetime]) -> list[dict[str, Spend]]:
        """What the window holds of each [edges[i], edges[i + 1]), by model; "" as in `by_model`.

        `edges` ascend. A pruned hour counts as a whole where it begins, or where the window does;
        of one user and one model the month does.
        """
        if self.sheet and edges == self.edges:
            return self.sheet.series()
        return series(self.start, self.end, edges, self.only.only, "model")

    @cached_property
    def unpriced(self) -> list[tuple[str, int]]:
        """The models without a price and the requests to each, most first, of what is kept.

        There are few such records: they are looked up before they are compared with the filter.
        """
        found = CostRecord.objects.between(*self.bounds).unpriced().compared(self.only.only)
        models = found.values_list("model")
        return list(models.annotate(count=Sum("requests")).order_by("-count", "model"))

    @property
    def records(self) -> CostRecordQuerySet:
        """The raw rows within `bounds` that are kept, in no order."""
        return self.only.records().between(*self.bounds)
