"""The pure core of an import, by hypothesis: any bot, any growth, any number of imports."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import accumulate

from hypothesis import given
from hypothesis import strategies as st

from costs.usage_json.plan import Mark, identity, plan, settle
from costs.usage_json.reader import Record, UserUsage

WHEN = datetime(2025, 10, 16, tzinfo=UTC)


def state(costs: list[int], kept: int) -> tuple[UserUsage, list[Record]]:
    records = [
        Record(WHEN, f"second {number}", "haiku", 1, 1, cost, "chat")
        for number, cost in enumerate(costs)
    ][-kept:]
    user = UserUsage(
        user_id="222",
        requests=len(costs),
        cost_nano=sum(costs),
        kept=len(records),
        has_limits=False,
        daily_limit_nano=None,
        monthly_limit_nano=None,
        last_warning_at=None,
        last_reset_at=None,
    )
    return user, records


class TestPlan:
    @given(
        growth=st.lists(st.lists(st.integers(0, 10**10), max_size=9), min_size=1, max_size=6),
        kept=st.integers(1, 8),
    )
    def test_after_each_import_all_that_the_bot_ever_counted_is_booked(self, growth, kept):
        mark, booked_requests, booked_nano = Mark(), 0, 0
        for costs in accumulate(growth):
            user, records = state(costs, kept)
            todo = plan(user, mark, trust_records=False)
            if mark.last_record and 0 <= todo.expected_at < len(records):
                assert identity(records[todo.expected_at]) == mark.last_record
            taken = records[len(records) - todo.take :]
            nano = sum(record.cost_nano for record in taken)
            rest = settle(user, mark, todo, nano, trust_records=False)
            booked_requests += todo.take + todo.missing
            booked_nano += nano + rest.carried_nano
            drifted = rest.drift_nano
            assert booked_requests == user.requests
            assert booked_nano + drifted == user.cost_nano
            assert abs(drifted) * 10**6 <= user.cost_nano
            last = identity(records[-1]) if records else mark.last_record
            mark = Mark(user.requests, booked_nano, last)
