"""What is wide goes first; the calls stay, with all that is counted of them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from msgspec.structs import replace

from sessions import pruning
from sessions.events import SessionEnded, SessionEvent, SessionNote, ToolEnded, ToolStarted
from sessions.models import Session, SessionActivity, ToolCall
from sessions.pruning import count_bodies, prune_bodies
from sessions.recording import Recorded, record
from tests.sessions.brute import stored

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
BEFORE = NOW - timedelta(days=30)
HOUR = timedelta(hours=1)

pytestmark = pytest.mark.django_db


def ended(number: int, at: datetime, key: str = "s", **more: Any) -> ToolEnded:
    told: dict[str, Any] = {
        "tool_name": "Read",
        "success": False,
        "error": f"no such file {number}",
        "parameters": {"file_path": f"/{number}.py", "limit": 7},
    }
    return ToolEnded(session_key=key, at=at, tool_use_id=str(number), **told | more)


def note(number: int, at: datetime, key: str = "s") -> SessionNote:
    return SessionNote(session_key=key, at=at, event="Notification", message=str(number))


def bare() -> set[str]:
    calls = [call for call in ToolCall.objects.all() if call.is_bare]
    assert not any(call.error for call in calls)
    return {call.tool_use_id for call in calls}


def lines() -> list[str]:
    return sorted(SessionActivity.objects.values_list("message", flat=True))


def old(*numbers: int, key: str = "s") -> list[SessionEvent]:
    return [ended(number, BEFORE - number * HOUR, key) for number in numbers]


@pytest.fixture(autouse=True)
def now() -> Any:
    with time_machine.travel(NOW, tick=False) as clock:
        yield clock


class TestPruneBodies:
    def test_parameters_errors_and_lines_go_and_nothing_else(self) -> None:
        record([*old(1), ended(2, BEFORE), note(1, BEFORE - HOUR), note(2, BEFORE)])
        before = list(ToolCall.objects.defer("parameters", "error").values().order_by("id"))
        assert count_bodies(BEFORE) == 2
        assert list(prune_bodies(BEFORE)) == [2]
        assert count_bodies(BEFORE) == 0
        assert bare() == {"1"}
        assert lines() == ["2"]
        for row, then in zip(ToolCall.objects.values().order_by("id"), before, strict=True):
            assert then | {"parameters": row["parameters"], "error": row["error"]} == row
        assert ToolCall.objects.get(tool_use_id="2").error

    def test_no_figure_changes(self) -> None:
        record(old(1, 2, 3))
        _, *figures = stored()
        list(prune_bodies(BEFORE))
        assert list(stored()[1:]) == figures

    def test_the_plan_of_a_session_stays(self) -> None:
        plan = {"todos": [{"content": "a", "status": "pending"}]}
        record([ended(1, BEFORE - HOUR, tool_name="TodoWrite", parameters=plan)])
        assert list(prune_bodies(BEFORE)) == [0]
        assert ToolCall.objects.get().parameters == plan

    def test_an_open_session_keeps_them_until_it_is_closed(self) -> None:
        record([*old(1), ended(2, NOW)])
        assert list(prune_bodies(BEFORE)) == []
        record([SessionEnded(session_key="s", at=NOW)])
        assert list(prune_bodies(BEFORE)) == [1]
        assert bare() == {"1"}

    def test_a_session_that_goes_on_is_looked_at_again(self) -> None:
        record([*old(1), ended(2, BEFORE + HOUR)])
        assert list(prune_bodies(BEFORE)) == [1]
        assert list(prune_bodies(BEFORE)) == []
        assert list(prune_bodies(BEFORE + 2 * HOUR)) == [1]
        assert bare() == {"1", "2"}

    @pytest.mark.parametrize("batch", [1, 2, 3, 5, 7, 100])
    def test_batches_of_any_size_miss_nothing(self, batch: int) -> None:
        for key in "abc":
            record([*old(*range(1, 6), key=key), *old(*range(20, 24), key=key)])
            record([ended(number, BEFORE - 9 * HOUR, key) for number in range(30, 34)])
            record([note(number, BEFORE - number * HOUR, key) for number in range(3)])
        steps = list(prune_bodies(BEFORE, batch=batch))
        assert sum(steps) == 3 * (13 + 2)
        assert max(steps) <= batch
        assert not ToolCall.objects.with_body().exists()
        assert lines() == ["0"] * 3

    def test_it_goes_on_where_an_earlier_one_was_stopped(self) -> None:
        record(old(*range(1, 8)))
        next(prune_bodies(BEFORE, batch=3))
        assert bare() == {"7", "6", "5"}
        assert sum(prune_bodies(BEFORE, batch=3)) == 4

    def test_many_sessions_go_together(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(pruning, "FEW", 2)
        for key in "abcde":
            record(old(1, key=key))
        assert list(prune_bodies(BEFORE)) == [2, 2, 1]

    def test_one_heard_of_in_the_meantime_keeps_the_rest(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(pruning, "FEW", 1)
        for key in "ab":
            record(old(1, key=key))
        batches = prune_bodies(BEFORE)
        next(batches)
        record([SessionEvent(session_key="b", at=NOW)])
        assert list(batches) == []
        assert Session.objects.get(key="b").bodies_kept_from is None

    def test_news_that_come_before_the_lock_is_taken_keep_them(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        record(old(1))
        lock = pruning._lock

        def late(sessions: set[int]) -> None:
            record([SessionEvent(session_key="s", at=NOW)])
            lock(sessions)

        monkeypatch.setattr(pruning, "_lock", late)
        assert list(prune_bodies(BEFORE)) == [0]
        assert bare() == set()


class TestToldAgain:
    def test_a_body_does_not_come_back(self) -> None:
        known: Any = {"session_key": "s", "tool_use_id": "1", "tool_name": "Read"}
        start = ToolStarted(at=BEFORE - 2 * HOUR, **known)
        told = [*old(1, 2), note(1, BEFORE - HOUR), start]
        record(told)
        list(prune_bodies(BEFORE))
        before = stored()
        assert record(told) == Recorded()
        fuller = {"much": "more than there ever was", "file_path": "/elsewhere.py"}
        assert record([replace(start, parameters=fuller)]) == Recorded()
        assert stored() == before
        assert lines() == []

    def test_an_earlier_failure_counts_without_its_text(self) -> None:
        record(old(1))
        list(prune_bodies(BEFORE))
        record([ended(1, BEFORE - 2 * HOUR, error="Permission denied")])
        call = ToolCall.objects.get()
        assert (call.error, call.error_category) == ("", "permission_error")
        assert call.finished_at == BEFORE - 2 * HOUR

    def test_a_call_told_so_late_is_counted_without_a_body(self) -> None:
        record(old(1))
        list(prune_bodies(BEFORE))
        assert record(old(2)) == Recorded(calls_added=1)
        assert bare() == {"1", "2"}
        call = ToolCall.objects.get(tool_use_id="2")
        assert (call.file_path, call.error_fingerprint != "") == ("/2.py", True)
        assert Session.objects.get().calls == 2
