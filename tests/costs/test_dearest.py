"""The dearest sessions, found among their spans, against a plain list of all requests."""

from __future__ import annotations

from collections import Counter
from datetime import datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from costs import audit, ledger
from costs.erasing import erase
from costs.instants import EPOCH, FOREVER
from costs.models import ROLLUPS, CostRecord, LedgerState, SessionHour, SessionSpan
from costs.usage import Usage
from costs.windows import by_session
from tests.costs.brute import at
from tests.emptying import empty
from tests.examples import examples

pytestmark = pytest.mark.django_db

NANO = 10**9

# Hours of ten days; many sessions of few costs, so that they tie and lie across every edge.
hours = st.integers(0, 240) | st.sampled_from([23.5, 24, 24.5, 72.25, 120, 120.5])
requests = st.tuples(hours, st.sampled_from("abcdefgh"), st.integers(0, 3))
several = st.lists(requests, min_size=1, max_size=25)


def book(new: list[tuple[float, str, int]], source: str = "api") -> None:
    ledger.record_many(
        [
            Usage(
                user_id="ann",
                model="haiku",
                input_tokens=1,
                output_tokens=1,
                cost=dollars,
                timestamp=at(hour),
                session_key=key,
                source=source,
                source_id=f"{source}-{number}" if source != "api" else None,
            )
            for number, (hour, key, dollars) in enumerate(new)
        ]
    )


def expected(
    booked: list[tuple[float, str, int]], start: datetime, end: datetime, top: int
) -> list[tuple[str, int]]:
    sums: Counter[str] = Counter()
    for hour, key, dollars in booked:
        if start <= at(hour) < end:
            sums[key] += dollars
    return sorted(sums.items(), key=lambda item: (-item[1], item[0]))[:top]


def found(start: datetime, end: datetime, top: int) -> list[tuple[str, int]]:
    return [(key, totals.cost_nano // NANO) for key, totals in by_session(start, end, top)]


class TestDearest:
    @settings(
        max_examples=examples(200),
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )
    @given(
        first=several,
        late=several,
        sealed=hours,
        window=st.tuples(hours, hours).map(sorted),
        top=st.integers(1, 4),
    )
    def test_they_are_those_of_all_requests(
        self,
        first: list[tuple[float, str, int]],
        late: list[tuple[float, str, int]],
        sealed: float,
        window: list[float],
        top: int,
    ) -> None:
        empty(CostRecord, *ROLLUPS, SessionSpan, LedgerState)
        book(first)
        ledger.seal(at(sealed))
        book(late)
        for start, end in (map(at, window), (EPOCH, FOREVER)):
            assert found(start, end, top) == expected(first + late, start, end, top)
        assert [check for check in audit.check() if check.wrong] == []

    def test_a_dear_session_is_found_however_little_of_it_lies_within(self) -> None:
        book([(hour, "long", 1) for hour in range(200)])
        book([(100 + hour, f"short {hour}", 40 + hour) for hour in range(40)])
        ledger.seal(at(240))
        assert found(at(100), at(150), 1) == [("short 39", 79)]
        assert found(at(100), at(150), 30)[-2:] == [("short 11", 51), ("long", 50)]

    def test_a_session_is_found_by_what_is_not_sealed_yet(self) -> None:
        book([(1, "dear", 9), (2, "cheap", 1)])
        ledger.seal(at(10))
        book([(50, "cheap", 10), (51, "new", 12)])
        assert found(EPOCH, FOREVER, 2) == [("new", 12), ("cheap", 11)]

    @pytest.mark.parametrize(
        ("start", "keys"),
        [(0, ["049", "099", "149", "199"]), (60, ["099", "149", "199"]), (0, ["049", "099"])],
    )
    def test_of_many_sessions_only_the_dearest_are_summed(
        self, start: int, keys: list[str]
    ) -> None:
        book([(number, f"{number:03}", number % 50) for number in range(240)])
        ledger.seal(at(240))
        SessionHour.objects.exclude(session_key__in=keys).update(cost_nano=10**15)
        assert [key for key, _ in found(at(start), at(240), len(keys))] == keys


class TestSpans:
    def span(self, key: str) -> tuple[datetime, datetime, int] | None:
        spans = SessionSpan.objects.filter(session_key=key)
        return spans.values_list("first_hour", "last_hour", "cost_nano").first()

    def test_they_grow_with_seals_and_late_requests(self) -> None:
        book([(5.5, "s", 1), (7, "", 8)])
        assert self.span("s") is None
        ledger.seal(at(6))
        assert self.span("s") == (at(5), at(5), NANO)
        book([(30, "s", 2)])
        ledger.seal(at(31))
        assert self.span("s") == (at(5), at(30), 3 * NANO)
        book([(2.5, "s", 4), (9, "s", 8)])
        assert self.span("s") == (at(2), at(30), 15 * NANO)
        assert SessionSpan.objects.count() == 1

    def test_they_outlive_their_records(self) -> None:
        book([(1, "s", 1), (26, "s", 1)])
        list(ledger.prune(at(24)))
        ledger.seal(at(48))
        assert self.span("s") == (at(1), at(26), 2 * NANO)

    def test_they_shrink_with_what_is_erased(self) -> None:
        book([(5, "s", 1)])
        book([(1, "s", 2), (9, "s", 4), (3, "t", 8)], "wrong")
        ledger.seal(at(24))
        erase("wrong")
        assert (self.span("s"), self.span("t")) == ((at(5), at(5), NANO), None)

    def test_a_wrong_one_is_noticed_and_repaired(self) -> None:
        book([(1, "s", 1), (26, "s", 1), (3, "t", 1)])
        list(ledger.prune(at(24)))
        ledger.seal(at(48))
        SessionSpan.objects.filter(session_key="s").update(last_hour=at(50))
        SessionSpan.objects.filter(session_key="t").delete()
        wrong = [check for check in audit.check() if check.wrong]
        assert wrong == [audit.Check("SessionSpan equals SessionHour", 2)]
        audit.repair()
        assert self.span("s") == (at(1), at(26), 2 * NANO)
        assert [check for check in audit.check() if check.wrong] == []
