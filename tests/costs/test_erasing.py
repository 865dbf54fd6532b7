from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import transaction
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from costs import audit, ledger
from costs.erasing import Erased, erase
from costs.models import ROLLUPS, CostRecord, SessionSpan
from costs.totals import SUMMED_FIELDS
from costs.usage import Usage
from tests.costs.brute import at
from tests.examples import examples

pytestmark = pytest.mark.django_db

usages = st.builds(
    lambda hours, **fields: Usage(timestamp=at(hours), input_tokens=7, output_tokens=3, **fields),
    hours=st.floats(0, 60),
    user_id=st.sampled_from("ab"),
    model=st.sampled_from(["opus", "sonnet", ""]),
    cost=st.integers(0, 3),
    request_type=st.sampled_from(["chat", "code"]),
    session_key=st.sampled_from(["", "s", "t"]),
)
several = st.lists(usages, max_size=12)


@contextmanager
def undone() -> Iterator[None]:
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def book(usages: list[Usage], source: str) -> None:
    ledger.record_many(
        [
            replace(usage, source=source, source_id=f"{source}-{number}")
            for number, usage in enumerate(usages)
        ]
    )


def everything() -> dict[str, list[tuple[Any, ...]]]:
    """All rows of the ledger but for their ids."""
    names = [f.name for f in CostRecord._meta.concrete_fields if f.name != "id"]
    rows = {"records": sorted(map(repr, CostRecord.objects.values_list(*names)))}
    for rollup in ROLLUPS:
        cells = rollup.objects.values_list(*rollup.keys, "start", *SUMMED_FIELDS)
        rows[rollup.__name__] = sorted(cells)
    spans = SessionSpan.objects.values_list("session_key", "first_hour", "last_hour", "cost_nano")
    rows["SessionSpan"] = sorted(spans)
    return rows


class TestErase:
    @settings(max_examples=examples(60))
    @given(
        kept=several, wrong=several, late=several, seals=st.lists(st.integers(0, 70), max_size=3)
    )
    def test_it_leaves_what_there_would_be_without_them(
        self, kept: list[Usage], wrong: list[Usage], late: list[Usage], seals: list[int]
    ) -> None:
        with undone():
            book(kept, "kept")
            for hour in seals:
                ledger.seal(at(hour))
            expected = everything()
        with undone():
            book(wrong, "wrong")
            for hour in seals[:1]:
                ledger.seal(at(hour))
            book(kept, "kept")
            for hour in seals[1:]:
                ledger.seal(at(hour))
            book(late, "later")
            CostRecord.objects.filter(source="later").update(source="wrong")
            erase("wrong")
            assert everything() == expected
            assert sum(check.wrong for check in audit.check()) == 0

    def test_it_tells_what_is_gone(self) -> None:
        usage = Usage(user_id="u", model="opus", input_tokens=1, output_tokens=1, cost=2)
        book([usage, usage], "wrong")
        assert erase("wrong") == Erased(2, 4 * 10**9)
        assert erase("wrong") == Erased(0, 0)

    def test_records_of_the_source_without_an_id_stay(self) -> None:
        ledger.record_usage(
            user_id="u", model="opus", input_tokens=1, output_tokens=1, source="wrong"
        )
        assert erase("wrong") == Erased(0, 0)
        assert CostRecord.objects.count() == 1

    def test_the_sums_of_pruned_records_stay_in_every_table(self) -> None:
        usage = Usage(user_id="u", model="opus", input_tokens=1, output_tokens=1, cost=2)
        book([replace(usage, timestamp=at(hours)) for hours in (1, 6)], "wrong")
        list(ledger.prune(at(3)))
        ledger.seal(at(48))
        erase("wrong")
        sums = {
            rollup.__name__: sum(rollup.objects.values_list("cost_nano", flat=True))
            for rollup in ROLLUPS
            if rollup.takes_blank
        }
        assert set(sums.values()) == {2 * 10**9}
        assert sum(check.wrong for check in audit.check()) == 0
