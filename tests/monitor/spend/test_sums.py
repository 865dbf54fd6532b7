from datetime import timedelta
from decimal import Decimal
from urllib.parse import urlencode

import pytest
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from costs import ledger
from costs.models import ROLLUPS, CostRecord, LedgerState, SessionSpan
from costs.money import from_nano
from costs.usage import Usage
from monitor.spend.address import SpendAddress
from tests.emptying import empty
from tests.examples import examples
from tests.monitor.cast import NOW
from tests.monitor.spend.cast import download, page

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]

users = st.sampled_from(["ada", "bob", "a&b=c"])
models = st.sampled_from(["opus", "haiku", "", "x y"])
types = st.sampled_from(["chat", "code", ""])
origins = st.sampled_from(["api", "bot"])
rows = st.builds(
    Usage,
    user_id=users,
    model=models,
    request_type=types,
    source=origins,
    session_key=st.sampled_from(["", "s1", "s2"]),
    input_tokens=st.integers(0, 10**6),
    output_tokens=st.integers(0, 10**6),
    cost=st.integers(0, 10**13).map(from_nano),
    timestamp=st.integers(0, 24 * 60 * 40).map(lambda minutes: NOW - timedelta(minutes=minutes)),
)
queries = st.fixed_dictionaries(
    {"range": st.sampled_from(["24h", "7d", "30d", "all"])},
    optional={"user": users, "model": models, "type": types, "source": origins},
)


def selected(told: list[Usage], query: dict[str, str]) -> list[Usage]:
    period = SpendAddress.parse(query, NOW).period
    names = {"user": "user_id", "model": "model", "type": "request_type", "source": "source"}
    given = {names[name]: value for name, value in query.items() if name != "range"}
    return [
        usage
        for usage in told
        if period.start <= (usage.timestamp or NOW) < period.end
        and all(getattr(usage, column) == value for column, value in given.items())
    ]


def in_address(query: dict[str, str]) -> dict[str, str]:
    return {name: value or "(none)" for name, value in query.items()}


class TestSums:
    @settings(
        max_examples=examples(25), suppress_health_check=[HealthCheck.function_scoped_fixture]
    )
    @given(st.lists(rows, max_size=12), st.lists(queries, min_size=1, max_size=3), st.booleans())
    def test_every_figure_and_the_csv_is_the_sum_over_its_records(
        self, signed_in: Client, told: list[Usage], asked: list[dict[str, str]], sealed: bool
    ) -> None:
        empty(CostRecord, *ROLLUPS, SessionSpan, LedgerState)
        ledger.record_many(told)
        if sealed:
            ledger.seal(NOW - timedelta(days=5))
        for query in asked:
            inside = selected(told, query)
            cost = sum((usage.cost or Decimal(0) for usage in inside), Decimal(0))
            shown = page(**in_address(query))
            nano = int(cost * 10**9)
            assert shown.totals.cost == cost
            assert shown.totals.requests == len(inside)
            for lines in (shown.by_model, shown.by_type, [user.line for user in shown.by_user]):
                assert sum(line.row.totals.cost_nano for line in lines) == nano
            named = sum(each.row.totals.cost_nano for each in shown.by_session)
            assert named + shown.elsewhere == nano
            assert sum(u.cost or 0 for u in inside if not u.session_key) * 10**9 == shown.elsewhere
            if inside:
                columns = sum(cost.nano for cost in shown.chart.totals)
                assert shown.chart.total == columns == nano
            records = download(signed_in, f"?{urlencode(in_address(query))}")
            assert len(records) == len(inside)
            assert sum(Decimal(row["cost"]) for row in records) == cost
