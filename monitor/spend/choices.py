"""The values that a filter of the spend page offers."""

from __future__ import annotations

from dataclasses import dataclass

from costs.models import CostRecord, ImportedUsage
from costs.spending import Filter, Spending
from monitor.ranking import by_cost
from monitor.spend.address import MODEL, SOURCE, TYPE, USER, Parameter, SpendAddress

OFFERED = 200
RECENT = 1_000


@dataclass(frozen=True)
class Choice:
    """A filter with what it may be set to: any text where it `is_open`, else one of these."""

    parameter: Parameter
    chosen: str
    texts: list[str]
    is_open: bool = False

    @property
    def name(self) -> str:
        return self.parameter.name


def choices(address: SpendAddress, spending: Spending) -> list[Choice]:
    """Users, models and types of the range, the dearest first, and sources by name."""
    whole = spending
    if address.only != Filter():
        whole = Spending(spending.start, spending.end)
    sums = {USER: whole.by_user, MODEL: whole.by_model, TYPE: whole.by_type}
    named = {each: [name for name, _ in by_cost(sums[each])][:OFFERED] for each in sums}
    named[USER] = [name for name in named[USER] if name]
    named[SOURCE] = sources()
    return [_choice(address, each, names) for each, names in named.items()]


def _choice(address: SpendAddress, parameter: Parameter, names: list[str]) -> Choice:
    chosen = address.texts.get(parameter.name, "")
    texts = [parameter.text(name) for name in names]
    if chosen and chosen not in texts:
        texts.insert(0, chosen)
    return Choice(parameter, chosen, texts, is_open=parameter in (USER, SOURCE))


def sources() -> list[str]:
    """Those of the newest records and of imports; nobody looks through all records for more."""
    newest = CostRecord.objects.order_by("-pk").values_list("source", flat=True)[:RECENT]
    imported = ImportedUsage.objects.values_list("source", flat=True).distinct()
    return sorted({*newest, *imported})[:OFFERED]
