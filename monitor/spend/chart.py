"""Cost over time, stacked by model: the figures of the chart and of its table alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from django.db.models import Max, Min
from django.utils import timezone

from costs.models import CostRecord, ModelDay
from costs.spending import Spending
from costs.totals import Spend
from monitor.periods import Period
from monitor.ranking import by_cost
from monitor.spend.address import MODEL, SpendAddress
from monitor.spend.edges import Step, starts, step_of

MODELS = 7  # with a colour of their own; all others share one
OTHERS = "other"


@dataclass(frozen=True)
class Cost:
    """Nano-dollars, and the page of what they were spent for; blank where there is none."""

    nano: int
    url: str


@dataclass(frozen=True)
class Bar:
    """What was spent from one edge to the next: by model, and in all."""

    label: str
    costs: list[Cost]
    url: str

    @property
    def total(self) -> int:
        return sum(cost.nano for cost in self.costs)


@dataclass(frozen=True)
class Scale:
    """Where the bars begin, and the edges between which they hold what is of the range."""

    step: Step
    begins: Sequence[datetime]
    edges: tuple[datetime, ...]


@dataclass(frozen=True)
class Chart:
    """The dearest model comes first. Times are those of settings.TIME_ZONE."""

    step: Step
    zone: str
    models: list[str]
    bars: list[Bar]
    urls: list[str]  # of the pages of the models

    @property
    def totals(self) -> list[Cost]:
        columns = zip(*(bar.costs for bar in self.bars), strict=True)
        return [
            Cost(sum(cost.nano for cost in column), url)
            for column, url in zip(columns, self.urls, strict=True)
        ]

    @property
    def total(self) -> int:
        return sum(bar.total for bar in self.bars)


def scale_of(period: Period, spending: Spending) -> Scale:
    first, end = _shown(period, spending)
    step = step_of(period.label, first, end)
    begins = list(starts(first, end, step, timezone.get_default_timezone()))
    return Scale(step, begins, (period.start, *begins[1:], period.end))


def chart(address: SpendAddress, spending: Spending, scale: Scale) -> Chart:
    zone = timezone.get_default_timezone()
    dearest = [name for name, _ in by_cost(spending.by_model)]
    shown, others = _split(dearest)
    pages = [address.between(*span) for span in pairwise(scale.edges)]
    sums = spending.series(scale.edges)
    return Chart(
        step=scale.step,
        zone=timezone.get_default_timezone_name(),
        models=shown + [OTHERS] * bool(others),
        bars=[
            Bar(
                f"{begin.astimezone(zone):{scale.step.style}}",
                _costs(of_bar, shown, bool(others), page),
                str(page),
            )
            for begin, of_bar, page in zip(scale.begins, sums, pages, strict=True)
        ],
        urls=[str(address.with_only(MODEL, name)) for name in shown] + [""] * bool(others),
    )


def _split(names: list[str]) -> tuple[list[str], list[str]]:
    """Those with a colour of their own, and the rest, which is more than one."""
    return (names, []) if len(names) <= MODELS + 1 else (names[:MODELS], names[MODELS:])


def _costs(
    sums: Mapping[str, Spend], shown: list[str], has_others: bool, page: SpendAddress
) -> list[Cost]:
    costs = [
        Cost(sums.get(name, Spend()).cost_nano, str(page.with_only(MODEL, name))) for name in shown
    ]
    rest = sum(spend.cost_nano for spend in sums.values()) - sum(cost.nano for cost in costs)
    return costs + [Cost(rest, str(page))] * has_others


def _shown(period: Period, spending: Spending) -> tuple[datetime, datetime]:
    """The window; of a range without ends, what lies between the first and the last record."""
    start, end = spending.bounds
    if period.label != "all":
        return min(max(start, period.start), period.end), end
    first, last = recorded()
    return max(first, start), max(last, start) + timedelta(microseconds=1)


def recorded() -> tuple[datetime, datetime]:
    """When the first and the last record ever made were, to the day where they are pruned."""
    found = [
        rows.aggregate(at=figure(column))["at"]
        for rows, column in ((CostRecord.objects, "timestamp"), (ModelDay.objects, "start"))
        for figure in (Min, Max)  # one each, so that an index tells
    ]
    known = [at for at in found if at] or [timezone.now()]
    return min(known), max(known)
