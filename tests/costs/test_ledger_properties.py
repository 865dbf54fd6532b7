"""Any sequence of records, imports, seals and prunes, on any clock, against a plain list."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
import time_machine
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from costs import audit, ledger, windows
from costs.models import (
    ROLLUPS,
    CostRecord,
    ImportedUsage,
    LedgerState,
    SessionSpan,
    UsageImport,
)
from costs.money import from_nano
from costs.totals import Spend
from costs.usage import Usage
from costs.usage_json import Options, import_file
from tests.costs.brute import Entry, at, spent
from tests.emptying import empty

KEPT = 4  # records that the simulated bot keeps in its file; the real one kept 1,000

instants = st.builds(
    at,
    st.integers(-60, 60),
    st.sampled_from([0, 0, 1, -1, 999_999, 1_800_000_000]),
)
users = st.sampled_from(["ann", "bob", "12345"])
models = st.sampled_from(["haiku", "sonnet", ""])
costs = st.integers(0, 10**12)
entries = st.builds(Entry, instants, users, models, costs, st.just(1))
operations = st.lists(
    st.one_of(
        st.tuples(st.just("record"), entries),
        st.tuples(st.just("batch"), st.lists(entries, max_size=5)),
        st.tuples(st.just("repeat"), entries),
        st.tuples(st.just("bot"), st.lists(costs, min_size=1, max_size=7)),
        st.tuples(st.just("seal"), instants),
        st.tuples(st.just("prune"), instants),
    ),
    max_size=12,
)


def usage(entry: Entry, source_id: str | None = None) -> Usage:
    return Usage(
        user_id=entry.user_id,
        model=entry.model,
        input_tokens=1,
        output_tokens=2,
        cost=from_nano(entry.cost_nano),
        timestamp=entry.timestamp,
        source_id=source_id,
    )


class World:
    """The ledger under test beside the list that knows the truth."""

    def __init__(self, path) -> None:
        self.path = path
        self.truth: list[Entry] = []
        self.bot: list[dict] = []
        self.bot_total = 0
        empty(CostRecord, *ROLLUPS, SessionSpan, LedgerState, ImportedUsage, UsageImport)

    def record(self, entry: Entry) -> None:
        ledger.record_many([usage(entry)])
        self.truth.append(entry)

    def batch(self, batch: list[Entry]) -> None:
        ledger.record_many([usage(entry) for entry in batch])
        self.truth += batch

    def repeat(self, entry: Entry) -> None:
        """The same request reported three times under one key counts once."""
        key = f"key-{len(self.truth)}"
        first, *again = (ledger.record_many([usage(entry, key)])[0] for _ in range(3))
        assert first.created
        assert not any(receipt.created for receipt in again)
        self.truth.append(entry)

    def bot_(self, new: list[int], now) -> None:
        """The bot adds requests, keeps the newest few, and its file is imported twice."""
        for nano in new:
            self.bot_total += nano
            self.bot.append(
                {
                    "timestamp": now.replace(tzinfo=None).isoformat(),
                    "model": "haiku",
                    "input_tokens": 1,
                    "output_tokens": 1,
                    "cost": float(from_nano(nano)),
                }
            )
        stated = {
            "total_requests": len(self.bot),
            "total_cost": Decimal(self.bot_total).scaleb(-9),
            "records": self.bot[-KEPT:],
        }
        self.path.write_text(json.dumps({"bot": stated}, default=float))
        last = CostRecord.objects.order_by("-id").values_list("id", flat=True).first() or 0
        options = Options(backup=False)
        import_file(self.path, options)
        added = CostRecord.objects.filter(id__gt=last)
        fields = ("timestamp", "user_id", "model", "cost_nano", "requests")
        self.truth += [Entry(*row) for row in added.values_list(*fields)]
        mark = ImportedUsage.objects.get(user_id="bot")
        assert mark.requests == len(self.bot)
        assert not import_file(self.path, options).sum("added")

    def check(self, start, end) -> None:
        lower, upper = windows.bounds(start, end) if start < end else (start, end)
        assert windows.spend(start, end) == spent(self.truth, lower, upper)
        for user in ("ann", "bob", "12345", "bot"):
            mine = [entry for entry in self.truth if entry.user_id == user]
            assert windows.spend(start, end, user_id=user) == spent(mine, lower, upper)
        by_model = windows.by_model(start, end)
        for model in {entry.model for entry in self.truth}:
            mine = [entry for entry in self.truth if entry.model == model]
            total = by_model.get(model, Spend())
            assert Spend(total.requests, total.cost_nano) == spent(mine, lower, upper)


@pytest.mark.django_db
class TestAnyHistory:
    @settings(
        deadline=None,
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
        world = World(tmp_path / "usage.json")
        for (kind, value), now in zip(steps, clock, strict=False):
            with time_machine.travel(now, tick=False):
                if kind == "seal":
                    ledger.seal(value)
                elif kind == "prune":
                    for _ in ledger.prune(value, batch=2):
                        world.check(*window)
                elif kind == "bot":
                    world.bot_(value, now)
                else:
                    getattr(world, kind)(value)
            world.check(*window)
            world.check(windows.EPOCH, windows.FOREVER)
        assert [check for check in audit.check() if check.wrong] == []
