"""What holds of the ledger holds of one in partitions: the same examples, where months meet."""

from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from costs import partitions
from tests.costs import (
    brute,
    test_copied_records,
    test_ledger,
    test_ledger_properties,
    test_windows,
)
from tests.costs.partitioned import on_postgresql
from tests.costs.test_ledger_properties import instants, operations

NOVEMBER = datetime(2025, 11, 1, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _divided(db, monkeypatch):
    monkeypatch.setattr(brute, "BASE", NOVEMBER)
    partitions.convert(NOVEMBER.replace(month=10), 3)


@on_postgresql
class TestPrune(test_ledger.TestPrune):
    pass


@on_postgresql
class TestWindows(test_windows.TestWindows):
    pass


@on_postgresql
class TestInsert(test_copied_records.TestInsert):
    pass


@on_postgresql
class TestHistory:
    @settings(
        max_examples=10,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )
    @given(
        steps=operations,
        clock=st.lists(instants, min_size=12, max_size=12),
        window=st.tuples(instants, instants),
    )
    def test_every_window_equals_the_sum_of_all_that_was_ever_recorded(
        self, tmp_path, steps, clock, window
    ):
        history = test_ledger_properties.TestAnyHistory
        test = history.test_every_window_equals_the_sum_of_all_that_was_ever_recorded
        test.hypothesis.inner_test(self, tmp_path, steps, clock, window)
