"""Any page of figures, under any filter and after any history, against a plain list of rows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import astuple
from datetime import datetime
from fractions import Fraction

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from costs import audit, ledger, pricing
from costs.instants import (
    DAY,
    EPOCH,
    FOREVER,
    ceil_hour,
    ceil_month,
    floor_day,
    floor_hour,
    floor_month,
)
from costs.models import ROLLUPS, CostRecord, LedgerState, SessionSpan
from costs.savings import Savings, saved
from costs.spending import Filter, Spending
from costs.totals import SUMMED_FIELDS, Spend, Totals
from costs.usage import Row
from costs.windows import is_empty
from tests.costs.brute import at
from tests.emptying import empty

# Few hours, about midnights and noon and where months begin, so that rows, marks and edges meet.
instants = st.builds(
    at,
    st.sampled_from([-49, -25, -24, -1, 0, 1, 2, 12, 13, 23, 24, 47, 49])
    | st.sampled_from([-553, -552, 191, 192, 193, 911, 912]),
    st.sampled_from([0, 0, 1, -1, 999_999, 1_800_000_000]),
)
users = st.sampled_from(["ann", "bob"])
models = st.sampled_from(["haiku", "claude-sonnet-4-5", "nameless", ""])
types = st.sampled_from(["chat", "code", ""])
sessions = st.sampled_from(["s1", "s2", "s3", ""])
origins = st.sampled_from(["api", "bot"])
tokens = st.integers(0, 10**7)
rows = st.builds(
    lambda free, **fields: Row(priced_by="" if free else "given", **fields),
    st.booleans(),
    timestamp=instants,
    user_id=users,
    model=models,
    request_type=types,
    session_key=sessions,
    source=origins,
    requests=st.integers(0, 3),
    cost_nano=st.integers(0, 10**12) | st.just(5),
    input_tokens=tokens,
    output_tokens=tokens,
    cache_read_tokens=tokens,
    cache_write_5m_tokens=tokens,
    cache_write_1h_tokens=tokens,
)
histories = st.lists(
    st.tuples(st.sampled_from(["book", "load"]), st.lists(rows, min_size=1, max_size=8))
    | st.tuples(st.sampled_from(["seal", "prune"]), instants),
    max_size=8,
)
filters = st.builds(
    Filter,
    st.none() | users,
    st.none() | models,
    st.none() | types,
    st.none() | origins,
) | st.sampled_from(
    [
        Filter(),
        Filter(user_id="ann"),
        Filter(model="haiku"),
        Filter(source="api"),
        Filter("ann", "haiku"),
    ]
)


PAIR = {"user_id", "model"}
NEVER = (EPOCH, EPOCH)  # a window of no month


class World:
    """The ledger under test beside the lists that know the truth."""

    def __init__(self) -> None:
        self.truth: list[Row] = []
        self.kept: list[Row] = []
        self.pruned_before = self.sealed_to = EPOCH
        empty(CostRecord, *ROLLUPS, SessionSpan, LedgerState)

    def book(self, new: list[Row]) -> None:
        ledger.book(new)
        self._added(new)

    def load(self, new: list[Row]) -> None:
        with transaction.atomic():
            ledger.load(new)
        self._added(new)

    def _added(self, new: list[Row]) -> None:
        self.truth += new
        self.kept += new

    def seal(self, to: datetime) -> None:
        ledger.seal(to)
        self.sealed_to = max(self.sealed_to, to)

    def prune(self, before: datetime) -> None:
        for _ in ledger.prune(before):
            pass
        self.kept = [row for row in self.kept if row.timestamp >= floor_hour(before)]
        self.pruned_before = max(self.pruned_before, floor_hour(before))
        self.sealed_to = max(self.sealed_to, self.pruned_before)

    def knows_month_of(self, instant: datetime, start: datetime, end: datetime) -> bool:
        """Whether the sealed part of the month of `instant` lies in [start, end)."""
        month = floor_month(instant)
        return start <= month and min(ceil_month(month + DAY), self.sealed_to) <= end


class Brute:
    """What Spending must answer, by loops."""

    def __init__(self, world: World, start: datetime, end: datetime, only: Filter) -> None:
        self.world, self.start, self.end, self.only = world, start, end, only
        mark = world.pruned_before
        self.is_pair = {*only.only} == PAIR
        self.bounds = (
            floor_hour(start) if start < mark else start,
            ceil_hour(end) if end < mark else end,
        )
        self.is_raw = len(only.only) > 1 or "source" in only.only
        if self.is_pair and self.has_all_of_pruned_months():
            self.is_raw = False
        if self.is_raw:
            self.bounds = min(max(start, mark), end), end
        self.rows = self.selected(world.truth)

    def selected(self, of: Iterable[Row]) -> list[Row]:
        first, last = self.bounds
        return [
            row
            for row in of
            if first <= row.timestamp < last
            and all(getattr(row, name) == value for name, value in self.only.only.items())
        ]

    def has_all_of_pruned_months(self) -> bool:
        start, end = self.bounds
        sealed, pruned = self.world.sealed_to, self.world.pruned_before
        has_one = ceil_month(start) < (sealed if end >= sealed else floor_month(end))
        return (
            has_one
            and (start >= pruned or start == floor_month(start))
            and (end >= sealed or end == floor_month(end) or floor_month(end) >= pruned)
        )

    def name(self, row: Row, column: str, window: tuple[datetime, datetime] | None = None) -> str:
        """Of what is pruned, a rollup tells the columns that it is by, and no other."""
        columns = {*self.only.only, column}
        told = columns == {column} or row.timestamp >= self.world.pruned_before
        if columns == PAIR and (self.is_raw or not self.is_pair):
            told = told or self.world.knows_month_of(row.timestamp, *(window or self.bounds))
        elif columns == PAIR:
            told = True
        elif column != "session_key" and self.is_pair and not self.is_raw:
            told = told and not self.is_of_pruned_month(row)
        return getattr(row, column) if told else ""

    def is_of_pruned_month(self, row: Row) -> bool:
        """Whether a row that is kept is told by the cell of a month which has lost others."""
        pruned = self.world.pruned_before
        begun = floor_month(row.timestamp) < pruned and row.timestamp < self.world.sealed_to
        return begun and self.bounds[0] < pruned

    def name_of_day(self, row: Row) -> str:
        """The model where days are told apart, which no month does."""
        if self.is_pair and not self.is_raw and self.is_of_pruned_month(row):
            return ""
        return self.name(row, "model", NEVER)

    def by(self, name: Callable[[Row], object]) -> dict:
        groups = defaultdict(list)
        for row in self.rows:
            groups[name(row)].append(row)
        return {key: total(group) for key, group in groups.items()}

    def by_session(self, top: int) -> list[tuple[str, Totals]]:
        sums = self.by(lambda row: self.name(row, "session_key"))
        sums.pop("", None)
        return sorted(sums.items(), key=lambda item: (-item[1].cost_nano, item[0]))[:top]

    def series(self, edges: list[datetime]) -> list[dict[str, Spend]]:
        def key(row: Row) -> tuple[int, str]:
            bucket = self.bucket(row, edges)
            return bucket, self.name(row, "model", self.span(bucket, edges))

        sums = self.by(key)
        buckets = [{} for _ in edges[1:]]
        for (bucket, model), sum_ in sums.items():
            if 0 <= bucket < len(buckets):
                buckets[bucket][model] = Spend(sum_.requests, sum_.cost_nano)
        return buckets

    def bucket(self, row: Row, edges: list[datetime]) -> int:
        mark, instant = self.world.pruned_before, row.timestamp
        if self.is_pair and not self.is_raw:
            is_whole = self.start < mark and floor_month(instant) < mark
            instant = floor_month(instant) if is_whole else instant
        elif instant < mark:
            instant = floor_hour(instant)
        return sum(edge <= max(instant, self.start) for edge in edges) - 1

    def span(self, bucket: int, edges: list[datetime]) -> tuple[datetime, datetime]:
        """What of the window is in a bucket, on whole hours where records are pruned."""
        if not 0 <= bucket < len(edges) - 1:
            return self.bounds
        start, end = edges[bucket : bucket + 2]
        if end >= self.end:
            end = self.bounds[1]
        elif end < self.world.pruned_before:
            end = ceil_hour(end)
        return self.bounds[0] if start <= self.start else start, end

    def unpriced(self) -> list[tuple[str, int]]:
        requests: dict[str, int] = defaultdict(int)
        for row in self.selected(self.world.kept):
            if not row.priced_by:
                requests[row.model] += row.requests
        return sorted(requests.items(), key=lambda item: (-item[1], item[0]))

    def saved(self) -> Savings:
        nano, unknown = 0, set()
        days = self.by(lambda row: (self.name_of_day(row), floor_day(row.timestamp).date()))
        for (model, day), sums in days.items():
            read = sums.cache_read_tokens
            short, long = sums.cache_write_5m_tokens, sums.cache_write_1h_tokens
            rates = pricing.rates(model, day)
            if rates:
                plain = pricing.Tokens(read + short + long)
                cached = pricing.Tokens(0, 0, read, short, long)
                nano += round(Fraction(rates.pico(plain) - rates.pico(cached), 1000))
            elif read or short or long:
                unknown.add(model)
        return Savings(nano, tuple(sorted(unknown)))


def total(group: Iterable[Row]) -> Totals:
    group = list(group)
    return Totals(*(sum(getattr(row, field) for row in group) for field in SUMMED_FIELDS))


def added(sums: Iterable[Totals | Spend]) -> Spend:
    sums = list(sums)
    return Spend(sum(each.requests for each in sums), sum(each.cost_nano for each in sums))


@pytest.mark.django_db
class TestAnyPage:
    @settings(
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )
    @given(
        history=histories,
        window=st.tuples(instants, instants).map(sorted) | st.just((EPOCH, FOREVER)),
        only=filters,
        inner=st.lists(instants, max_size=6).map(sorted),
        top=st.integers(1, 3),
    )
    def test_every_figure_equals_the_sum_over_the_rows_that_are_known(
        self, history, window, only, inner, top
    ):
        world = World()
        for deed, value in history:
            getattr(world, deed)(value)
        start, end = window
        spending, brute = Spending(start, end, only), Brute(world, start, end, only)
        assert (spending.is_raw, spending.bounds) == (brute.is_raw, brute.bounds)
        assert spending.totals == total(brute.rows)
        assert is_empty(start, end, only.only) == (not brute.rows)
        for column, sums in {
            "model": spending.by_model,
            "user_id": spending.by_user,
            "request_type": spending.by_type,
        }.items():
            assert sums == brute.by(lambda row, column=column: brute.name(row, column))
            assert Totals(*map(sum, zip(*map(astuple, sums.values()), strict=True))) == (
                spending.totals
            )
        assert spending.by_session(top) == brute.by_session(top)
        assert spending.series(inner) == brute.series(inner)
        spanning = [start, *(edge for edge in inner if start < edge < end), end]
        assert added(
            sum_ for bucket in spending.series(spanning) for sum_ in bucket.values()
        ) == added([spending.totals])
        assert spending.unpriced == brute.unpriced()
        kept = brute.selected(world.kept)
        assert sorted(spending.records.values_list("timestamp", flat=True)) == sorted(
            row.timestamp for row in kept
        )
        if spending.is_raw:
            assert added([total(kept)]) == added([spending.totals])
        assert saved(spending) == brute.saved()
        whole = Spending(start, end, only, tuple(spanning))
        assert (whole.totals, whole.by_model, whole.by_user, whole.by_type) == (
            (spending.totals, spending.by_model, spending.by_user, spending.by_type)
        )
        assert whole.series(tuple(spanning)) == spending.series(spanning)
        assert saved(whole) == saved(spending)
        assert [check for check in audit.check() if check.wrong] == []
        audit.repair()
        assert Spending(start, end, only).by_type == spending.by_type
        assert [check for check in audit.check() if check.wrong] == []
