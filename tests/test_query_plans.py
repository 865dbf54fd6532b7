"""No page scans a table that grows with every request or call: its queries go by an index."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.utils import timezone

from costs import ledger
from costs.instants import EPOCH, FOREVER
from costs.lifetime import last_sessions
from costs.limits import check_limits
from costs.models import CostRecord
from costs.spending import Filter, Spending
from costs.usage import Usage
from sessions.events import ToolEnded
from sessions.models import ToolCall
from sessions.recording import record
from tasks.models import Activity
from tasks.reporting import report

GROWING = [model._meta.db_table for model in (CostRecord, ToolCall, Activity)]
PAGES = [
    "/",
    "/?range=30d&show=all",
    "/?range=all&show=all",
    "/?range=all",
    "/costs/?range=24h",
    "/costs/?range=30d",
    "/costs/?range=all",
    "/costs/?range=30d&user=user-1",
    "/costs/?range=30d&model=sonnet",
    "/tools/",
    "/tools/?range=30d",
    "/tools/?range=all",
    "/tools/?range=all&tool=Bash",
    "/tools/?range=30d&tool=Bash",
    "/tasks/task-1/",
    "/tasks/task-1/?failed=1",
    "/tasks/task-1/?tool=Bash&failed=1",
    "/sessions/session-1/",
    "/sessions/session-1/?failed=1",
    "/sessions/session-1/?tool=Bash",
    "/errors/",
    "/errors/?range=all",
    "/api/metrics/overview",
    "/api/metrics/tools",
    "/api/metrics/claude-api",
    "/api/metrics/timeseries?hours=24&interval=60",
    "/api/user/usage?user_id=user-1",
    "/api/limits/user-1",
]
SCAN = re.compile(rf"(?:SCAN|Seq Scan on) (?:{'|'.join(GROWING)})\b")

Statement = tuple[str, Any]


@pytest.fixture
def filled(operator: User) -> None:
    """Some of everything, half of it sealed, and a planner that scans only where it must."""
    now = timezone.now()
    ledger.record_many([usage(n, now) for n in range(200)])
    ledger.seal()
    record([call(n, now) for n in range(100)])
    report(task_id="task-1", at=now, status="running", user_id="user-1", description="Work")
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL enable_seqscan = off")


def usage(number: int, now: Any) -> Usage:
    return Usage(
        user_id=f"user-{number % 5}",
        model=["sonnet", "haiku", "a model without a price"][number % 3],
        input_tokens=number,
        output_tokens=number,
        session_key=f"session-{number % 3}",
        timestamp=now - timedelta(hours=10 * number),
    )


def call(number: int, now: Any) -> ToolEnded:
    return ToolEnded(
        session_key=f"session-{number % 3}",
        task_id="task-1",
        at=now - timedelta(hours=10 * number),
        tool_use_id=str(number),
        tool_name=["Bash", "Read"][number % 2],
        parameters={"file_path": f"/src/{number}.py"},
        success=number % 4 > 0,
        error="" if number % 4 else f"{['No such file', 'Not allowed'][number % 8 > 0]}: {number}",
    )


def statements(deed: Callable[[], object]) -> list[Statement]:
    """The reading statements that `deed` sends, with their parameters."""
    sent: list[Statement] = []

    def keep(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if re.match(r"[\s(]*(SELECT|WITH)\b", sql):
            sent.append((sql, params))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(keep):
        deed()
    assert sent
    return sent


def plan(statement: Statement) -> str:
    sql, params = statement
    explain = "EXPLAIN QUERY PLAN" if connection.vendor == "sqlite" else "EXPLAIN"
    with connection.cursor() as cursor:
        cursor.execute(f"{explain} {sql}", params)
        return "\n".join(str(row[-1]) for row in cursor.fetchall())


def scans(deed: Callable[[], object]) -> list[str]:
    """The statements whose plan reads all of a growing table, or all of an index of it."""
    return [statement[0] for statement in statements(deed) if is_scan(*statement)]


def is_scan(sql: str, params: Any) -> bool:
    """A LIMIT ends a scan soon where nothing must be sorted first."""
    told = plan((sql, params))
    ends = "LIMIT" in sql and not re.search("TEMP B-TREE|Sort", told)
    return not ends and bool(SCAN.search(told))


@pytest.mark.usefixtures("filled")
class TestQueryPlans:
    @pytest.mark.parametrize("address", PAGES)
    def test_a_page_scans_nothing_that_grows(self, address: str, signed_in: Client) -> None:
        assert scans(lambda: signed_in.get(address)) == []

    def test_a_check_of_limits_scans_nothing_that_grows(self) -> None:
        assert scans(lambda: check_limits("user-1")) == []

    def test_what_sessions_cost_is_not_sought_among_all_records_of_their_users(self) -> None:
        *_, sums = statements(lambda: last_sessions(["user-1", "user-2"]))
        assert "costs_record_session" in plan(sums)

    def test_models_without_a_price_are_not_sought_among_all_records_of_a_user(self) -> None:
        ever = Spending(EPOCH, FOREVER, Filter(user_id="user-1"))
        *_, unpriced = statements(lambda: ever.unpriced)
        assert "costs_record_user" not in plan(unpriced)

    def test_the_newest_failures_of_groups_are_not_sought_among_all_calls(
        self, signed_in: Client
    ) -> None:
        """PostgreSQL would hold every row of an index, too, against what subqueries found."""
        sent = statements(lambda: signed_in.get("/errors/?range=all"))
        assert any("UNION ALL" in sql for sql, _ in sent)
        assert [sql for sql, params in sent if "hashed SubPlan" in plan((sql, params))] == []

    def test_a_scan_would_be_seen(self) -> None:
        assert scans(lambda: list(CostRecord.objects.filter(input_tokens=7)))
