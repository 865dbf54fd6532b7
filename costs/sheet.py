"""The raw records that a filter selects of a window, read once for all figures of a page.

Below a month no rollup is by a user and a model, nor by a user and a type, so breakdowns under a
filter rest on raw records, of which one user may have a hundred thousand in a month. A sheet sums
them by all that a page tells apart, in few cells, of which each breakdown is then made.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import chain, pairwise
from operator import attrgetter
from typing import Any, NamedTuple

from django.db.backends.utils import CursorWrapper

from costs.cells import SUMS, floored
from costs.pieces import Span
from costs.series import Tagged, conditions, ends, within
from costs.sources import RECORDS
from costs.totals import CACHE_FIELDS, Spend, Totals, added
from costs.watermark import Watermark, consistently, stored
from records.fields import fetched

CACHED = attrgetter(*CACHE_FIELDS)


class Cell(NamedTuple):
    """What one bucket holds of one UTC day, in the database's form, one model and one type."""

    bucket: int
    day: Any
    model: str
    request_type: str
    totals: Totals


@dataclass(frozen=True, slots=True)
class Sheet:
    """All that a filter selects of the window from the first of `edges` to the last."""

    edges: Sequence[datetime]
    cells: Sequence[Cell]

    def by(self, column: str) -> dict[str, Totals]:
        """The Totals by a column of the cells."""
        groups: dict[str, list[Totals]] = defaultdict(list)
        for cell in self.cells:
            groups[getattr(cell, column)].append(cell.totals)
        return {name: added(group) for name, group in groups.items()}

    def series(self) -> list[dict[str, Spend]]:
        """What each bucket [edges[i], edges[i + 1]) holds, by model."""
        groups: list[dict[str, list[Totals]]] = [defaultdict(list) for _ in self.edges[1:]]
        for cell in self.cells:
            groups[cell.bucket][cell.model].append(cell.totals)
        return [{name: _spend(group) for name, group in each.items()} for each in groups]

    def cached(self) -> list[tuple[str, date, int, int, int]]:
        """The tokens of the cache by model and UTC day."""
        groups: dict[tuple[str, Any], list[Totals]] = defaultdict(list)
        for cell in self.cells:
            groups[cell.model, cell.day].append(cell.totals)
        return [
            (model, fetched(day).date(), *CACHED(added(group)))
            for (model, day), group in groups.items()
        ]


def _spend(group: Iterable[Totals]) -> Spend:
    whole = added(group)
    return Spend(whole.requests, whole.cost_nano)


def sheet(edges: Sequence[datetime], only: Mapping[str, str]) -> Sheet | None:
    """What `only` selects from the first of `edges`, which ascend, to the last.

    None where some of it is pruned: there each breakdown knows rollups of its own.
    """

    def read(cursor: CursorWrapper, mark: Watermark) -> list[tuple[Any, ...]] | None:
        return None if edges[0] < mark.pruned_before else _read(cursor, [*pairwise(edges)], only)

    rows = consistently(read)
    return None if rows is None else Sheet(edges, [_cell(*row) for row in rows])


def _cell(bucket: int, day: Any, model: str, request_type: str, *sums: Any) -> Cell:
    return Cell(bucket, day, model, request_type, Totals(*map(int, sums)))


def _read(
    cursor: CursorWrapper, spans: Sequence[Span], only: Mapping[str, str]
) -> list[tuple[Any, ...]]:
    tagged: list[Tagged] = [(place, *span) for place, span in enumerate(spans)]
    cursor.execute(
        f"WITH span (bucket, lo, hi) AS (VALUES {', '.join(['(%s, %s, %s)'] * len(tagged))})"
        f" SELECT bucket, {floored('timestamp', 'day')}, model, request_type, {SUMS}"
        f" FROM span CROSS JOIN {RECORDS} WHERE timestamp >= lo AND timestamp < hi"
        f"{within('timestamp')}{conditions(RECORDS, only)} GROUP BY 1, 2, 3, 4",
        [
            *chain.from_iterable((place, stored(lo), stored(hi)) for place, lo, hi in tagged),
            *ends(tagged),
            *only.values(),
        ],
    )
    return list(cursor.fetchall())
