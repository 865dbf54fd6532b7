"""Tool calls go by their own age, and nothing that was ever counted of them changes."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from model_bakery import baker

from monitor.overview import overview
from monitor.periods import Period
from sessions import pruning, statistics
from sessions.events import SessionEnded, SessionEvent, ToolEnded, ToolStarted
from sessions.models import FileAccess, Session, ToolCall
from sessions.pruning import old_calls, prune_calls
from sessions.recording import Recorded, record
from tasks.models import Task
from tests.sessions.brute import stored

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
BEFORE = NOW - timedelta(days=90)
HOUR = timedelta(hours=1)
WHOLE = (BEFORE - 96 * HOUR, BEFORE + 48 * HOUR)

pytestmark = pytest.mark.django_db


def ended(number: int, at: datetime, key: str = "s", **more: Any) -> ToolEnded:
    told: dict[str, Any] = {
        "tool_name": ["Read", "Bash"][number % 2],
        "success": number % 3 > 0,
        "error": "" if number % 3 else f"no such file {number}",
        "duration_ms": 100.0 * number,
        "parameters": {"file_path": f"/{number % 4}.py"},
    }
    return ToolEnded(session_key=key, at=at, tool_use_id=str(number), **told | more)


def started(number: int, at: datetime, **more: Any) -> ToolStarted:
    told = {"session_key": "s", "tool_name": "Bash", "tool_use_id": str(number)}
    return ToolStarted(at=at, **told | more)


def told() -> list[SessionEvent]:
    """Ten calls before the limit, hours apart, and three after it, in a session that is over."""
    old = [ended(number, BEFORE - 7 * number * HOUR) for number in range(1, 11)]
    new = [ended(number, BEFORE + number * HOUR) for number in range(11, 14)]
    return [*old, *new]


def kept() -> set[str]:
    return set(ToolCall.objects.values_list("tool_use_id", flat=True))


@pytest.fixture(autouse=True)
def now() -> Any:
    with time_machine.travel(NOW, tick=False) as clock:
        yield clock


class TestPruneCalls:
    def test_they_go_by_their_own_age_in_batches(self) -> None:
        record(told())
        assert old_calls(BEFORE).count() == 10
        assert list(prune_calls(BEFORE, batch=4)) == [4, 4, 2]
        assert kept() == {"11", "12", "13"}

    def test_one_that_ended_later_stays(self) -> None:
        record([started(1, BEFORE - HOUR), ended(1, BEFORE, duration_ms=None)])
        record([ended(2, BEFORE + HOUR)])
        assert list(prune_calls(BEFORE)) == []
        record([started(3, BEFORE), ended(3, BEFORE - HOUR)])  # by a clock that was set back
        assert list(prune_calls(BEFORE)) == []

    def test_those_of_an_open_session_stay(self) -> None:
        record([*told(), ended(20, NOW)])
        assert list(prune_calls(BEFORE)) == []
        record([SessionEnded(session_key="s", at=NOW)])
        assert list(prune_calls(BEFORE)) == [10]

    def test_one_without_an_end_waits_for_it_while_its_session_has_news(self) -> None:
        record([started(1, BEFORE - HOUR), ended(2, BEFORE + HOUR)])
        assert list(prune_calls(BEFORE)) == []
        assert list(prune_calls(BEFORE + 2 * HOUR)) == [2]

    def test_those_of_known_tasks_go_too_and_the_task_stays(self) -> None:
        baker.make(Task, id="t")
        record([ended(1, BEFORE - HOUR, task_id="t")])
        assert list(prune_calls(BEFORE)) == [1]
        assert Session.objects.get().task_id == "t"
        assert Task.objects.exists()

    def test_one_whose_session_is_heard_of_in_the_meantime_stays(self) -> None:
        record([ended(number, BEFORE - HOUR, key=f"s{number}") for number in range(3)])
        batches = prune_calls(BEFORE, batch=1)
        next(batches)
        record([SessionEvent(session_key="s1", at=NOW)])
        assert list(batches) == [1]
        assert kept() == {"1"}

    def test_news_that_come_before_the_lock_is_taken_keep_them(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        record(told())
        lock = pruning._lock

        def late(sessions: set[int]) -> None:
            record([SessionEvent(session_key="s", at=NOW)])
            lock(sessions)

        monkeypatch.setattr(pruning, "_lock", late)
        assert list(prune_calls(BEFORE)) == [0]
        assert len(kept()) == 13

    def test_a_mark_never_moves_back(self) -> None:
        late = ended(2, BEFORE - HOUR / 2)
        record([started(1, BEFORE - 9 * HOUR), late, ended(3, BEFORE + HOUR)])
        assert sum(prune_calls(BEFORE)) == 1
        record([ended(1, BEFORE - 8 * HOUR)])
        assert sum(prune_calls(BEFORE - HOUR)) == 1  # by a clock that was set back
        assert Session.objects.get().calls_kept_from == BEFORE
        assert record([late]).calls_pruned == 1


class TestToldAgain:
    def test_it_is_passed_over_and_changes_no_sum(self) -> None:
        record(told())
        list(prune_calls(BEFORE))
        before = stored()
        assert record(told()) == Recorded(calls_pruned=10)
        for event in told():
            record([event])
        assert stored() == before

    @pytest.mark.parametrize("late", [timedelta(), timedelta(minutes=59), 3 * HOUR])
    def test_so_is_a_start_an_end_and_the_end_of_a_call_that_had_none(
        self, late: timedelta
    ) -> None:
        record([started(1, BEFORE - 5 * HOUR), started(2, BEFORE - 5 * HOUR)])
        record([ended(1, BEFORE - 4 * HOUR)])
        list(prune_calls(BEFORE))
        before = stored()
        for number in (1, 2):
            record([started(number, BEFORE - 5 * HOUR)])
            record([ended(number, BEFORE - 4 * HOUR + late)])
        after = stored()
        assert (after[0], after[2]) == (before[0], before[2])
        assert Session.objects.get().calls == 2

    def test_what_is_new_is_taken(self) -> None:
        record(told())
        list(prune_calls(BEFORE))
        assert record([ended(50, BEFORE + HOUR)]) == Recorded(calls_added=1)
        assert record([ended(50, BEFORE + HOUR)]) == Recorded()
        assert Session.objects.get().calls == 14

    def test_a_session_of_which_none_was_pruned_takes_old_ones(self) -> None:
        record(told())
        list(prune_calls(BEFORE))
        assert record([ended(1, BEFORE - HOUR, key="another")]).calls_added == 1

    def test_the_api_says_so(self, writer: Client) -> None:
        record([ended(1, BEFORE - HOUR)])
        list(prune_calls(BEFORE))
        call: Any = {
            "event": "tool_ended",
            "session_key": "s",
            "tool_use_id": "1",
            "tool_name": "Bash",
        }
        call |= {"at": (BEFORE - HOUR).isoformat(), "success": True}
        body = {"events": [call]}
        answer = writer.post("/api/tool-calls", body, content_type="application/json").json()
        assert (answer["recorded"], answer["calls_added"], answer["calls_pruned"]) == (1, 0, 1)


class TestFiles:
    def test_uses_are_still_counted_when_a_later_call_moves(self) -> None:
        """A move makes the uses of a file be counted anew, which pruned ones no longer can be."""
        read: Any = {"tool_name": "Read", "parameters": {"file_path": "/a.py"}}
        record([ended(n, BEFORE - n * HOUR, **read) for n in range(1, 4)])
        list(prune_calls(BEFORE))
        record([started(9, BEFORE + 2 * HOUR, **read)])
        record([ended(9, BEFORE + 2 * HOUR, **read | {"duration_ms": 500.0})])
        file = FileAccess.objects.get()
        assert (file.reads, file.writes, file.edits) == (4, 0, 0)
        assert file.first_at == BEFORE - 3 * HOUR - timedelta(milliseconds=300)
        for path in ("/longer.py", "/longest.py"):
            read["parameters"] = {"file_path": path}
            record([started(9, BEFORE + 2 * HOUR, **read)])
            assert dict(FileAccess.objects.values_list("path", "reads")) == {"/a.py": 3, path: 1}


class TestFigures:
    def figures(self, signed_in: Client) -> Any:
        sums = {name: found.row for name, found in statistics.sums(*WHOLE).items()}
        tools = statistics.tools(*WHOLE)
        api = signed_in.get("/api/metrics/cli-sessions", {"hours": 8760}).json()
        rows = [(row["tool_count"], row["errors"]) for row in api["sessions"]]
        return (
            sums,
            [(tool.name, tool.calls, tool.failures, tool.mean) for tool in tools.tools],
            statistics.count(*WHOLE),
            overview(Period.parse("all", NOW)),
            api["total_tool_calls"],
            rows,
            stored()[1:],
        )

    def test_none_changes(self, signed_in: Client) -> None:
        record(told())
        before = self.figures(signed_in)
        assert sum(prune_calls(BEFORE, batch=3)) == 10
        assert self.figures(signed_in) == before

    def test_percentiles_stay_within_their_bounds_and_the_tools_page_says_why(
        self, signed_in: Client
    ) -> None:
        record(told())
        exact = statistics.tools(*WHOLE)
        list(prune_calls(BEFORE))
        rough = statistics.tools(*WHOLE)
        assert exact.exact
        assert not rough.exact
        for one, other in zip(exact.tools, rough.tools, strict=True):
            for name in ("p50", "p95"):
                assert getattr(other, name) == pytest.approx(getattr(one, name), rel=0.008)
        page = signed_in.get("/tools/?range=all").content.decode()
        assert "Older calls are pruned" in page
