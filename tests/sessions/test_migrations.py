from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from sessions.events import SessionEvent, ToolEnded, ToolStarted
from sessions.models import Session, ToolDay, ToolHour, ToolMonth
from sessions.recording import record
from tests.sessions.brute import at, stored

APP, BEFORE = "agent_sessions", "0003_session_activity"


def told() -> list[SessionEvent]:
    """Calls before and after a midnight that ends a month; the last of them runs."""
    known: list[dict[str, Any]] = [
        {"tool_use_id": str(n), "tool_name": tool, "at": at(n), "session_key": f"s{n % 2}"}
        for n, tool in enumerate(["Bash", "Read", "Bash"] * 7)
    ]
    ends: list[SessionEvent] = [
        ToolEnded(**fields, success=n % 4 > 0, duration_ms=[None, 5.0, 900.0, 3_333.0][n % 4])
        for n, fields in enumerate(known)
    ]
    return [*ends, ToolStarted(**known[0] | {"tool_use_id": "running"})]


def migrate(name: str | None = None) -> Any:
    """The models as they are after the migration `name`, or after all."""
    if name is None:
        call_command("migrate", APP, verbosity=0)
        return None
    call_command("migrate", APP, name, verbosity=0)
    return MigrationExecutor(connection).loader.project_state([(APP, name)]).apps


@pytest.mark.django_db(transaction=True)
class TestHoursAndMonths:
    @pytest.fixture(autouse=True)
    def at_last(self) -> Iterator[None]:
        yield
        call_command("migrate", verbosity=0)

    def test_back_and_forth_leaves_every_sum_as_it_was(self) -> None:
        record(told())
        _, _, rollups = stored()
        migrate(BEFORE)
        migrate()
        assert stored()[2] == rollups

    def test_what_was_pruned_before_is_in_the_months_and_days(self) -> None:
        record(told())
        _, _, rollups = stored()
        sessions = migrate(BEFORE).get_model(APP, "Session").objects
        sessions.filter(key="s0").delete()
        kept = set(sessions.values_list("key", flat=True))
        migrate()
        _, _, now = stored()
        assert kept == {"s1"}
        for key, (calls, failures, timed, total_ms, durations) in rollups["months"].items():
            told_now = now["months"][key]
            assert told_now[:3] == (calls, failures, timed)
            assert abs(told_now[3] - total_ms) <= 0.008 * total_ms
            assert told_now[4] == durations
        for key, (calls, failures, *_) in rollups["days"].items():
            assert now["days"][key][:2] == (calls, failures)
        hours = sum(row[0] for row in now["hours"].values())
        assert hours == sum(session.calls for session in Session.objects.all()) < len(told())

    def test_an_empty_database_stays_empty(self) -> None:
        migrate(BEFORE)
        migrate()
        for table in (ToolHour, ToolDay, ToolMonth):
            assert not table.objects.exists()
