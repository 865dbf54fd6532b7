from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.core.management import call_command
from hypothesis import given
from hypothesis import strategies as st
from model_bakery import baker

from sessions import pruning
from sessions.models import FileAccess, Session, ToolCall, ToolDay
from sessions.pruning import count, prune
from tasks.models import Task

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
BEFORE = NOW - timedelta(days=90)
INSTANT = timedelta(microseconds=1)

pytestmark = pytest.mark.django_db


def session(
    key: str = "old",
    at: datetime = BEFORE - INSTANT,
    *,
    failures: int = 0,
    calls: int = 0,
    **of: Any,
) -> Session:
    """A session last heard of at `at`, with calls of which the first ones failed."""
    made = baker.make(
        Session, key=key, started_at=at, last_activity_at=at, calls=calls, failures=failures, **of
    )
    for number in range(calls):
        failed = number < failures
        end = {"success": False, "finished_at": at} if failed else {}
        baker.make(ToolCall, session=made, started_at=at, **end)
    return made


def left() -> set[str]:
    return set(Session.objects.values_list("key", flat=True))


class TestPrune:
    def test_sessions_go_by_their_last_news(self) -> None:
        session()
        session("new", BEFORE)
        assert list(prune(BEFORE)) == [1]
        assert left() == {"new"}

    def test_one_of_a_known_task_stays_with_it(self) -> None:
        session("of a task", task=baker.make(Task))
        session("dangling", task_id="unknown")
        session("unknown", task_id="unknown")
        assert list(prune(BEFORE)) == [2]
        assert left() == {"of a task"}

    def test_an_open_one_stays_however_short_the_time(self) -> None:
        now = datetime.now(UTC)
        session("active", now)
        session("idle", now - timedelta(minutes=29))
        session("silent", now - timedelta(minutes=31))
        session("ended", now, ended_at=now)
        assert list(prune(now + timedelta(seconds=1))) == [2]
        assert left() == {"active", "idle"}

    def test_a_family_goes_together(self) -> None:
        child = session("child", parent=session())
        session("grandchild", parent=child, calls=2)
        assert sum(prune(BEFORE)) == 3
        assert not ToolCall.objects.exists()

    @pytest.mark.parametrize("reason", [{"at": BEFORE}, {"task_id": "known"}])
    @pytest.mark.parametrize("depth", [1, 3])
    def test_a_family_stays_for_the_sake_of_one(self, reason: dict[str, Any], depth: int) -> None:
        baker.make(Task, id="known")
        last, other = session("root", calls=1), session("other")
        for generation in range(depth):
            last = session(
                f"{generation}", parent=last, **(reason if generation == depth - 1 else {})
            )
        session("a sister", parent=other)
        assert sum(prune(BEFORE)) == 2
        assert len(left()) == depth + 1
        assert ToolCall.objects.count() == 1

    def test_calls_go_in_batches_and_what_they_add_up_to_stays(self) -> None:
        old = session(calls=5, failures=3)
        baker.make(FileAccess, session=old, path="a")
        baker.make(ToolDay, tool_name="Bash", calls=5, failures=3)
        batches = prune(BEFORE, batch=2)
        for remaining in (3, 1, 0):
            assert next(batches) == 0
            old.refresh_from_db()
            assert old.tool_calls.count() == remaining
            assert (old.calls, old.failures) == (5, 3)
        assert list(batches) == [1]
        assert not FileAccess.objects.exists()
        assert ToolDay.objects.get().calls == 5

    @pytest.mark.parametrize("counts", [{"calls": 0}, {"calls": 9}, {"calls": 3, "failures": 3}])
    def test_wrong_counts_keep_nothing_alive(self, counts: dict[str, int]) -> None:
        session(calls=4, failures=2)
        Session.objects.update(**({"failures": 0} | counts))
        assert list(prune(BEFORE, batch=3)) == [0, 0, 1]

    def test_one_heard_of_in_the_meantime_stays_with_its_last_calls(self) -> None:
        old = session(calls=3)
        batches = prune(BEFORE, batch=1)
        next(batches)
        Session.objects.update(last_activity_at=NOW)
        assert list(batches) == [0]
        old.refresh_from_db()
        assert (old.calls, old.tool_calls.count()) == (3, 2)
        assert old.has_pruned_call(BEFORE - INSTANT)

    def test_a_sub_agent_that_comes_in_the_meantime_keeps_the_family(self) -> None:
        old = session(calls=1)
        batches = prune(BEFORE)
        next(batches)
        session("young", NOW, parent=old)
        assert list(batches) == [0]
        assert left() == {"old", "young"}

    def test_it_passes_over_those_that_stay(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(pruning, "FAMILIES", 2)
        for number in range(7):
            root = session(f"{number}")
            session(f"of {number}", BEFORE if number % 2 else BEFORE - INSTANT, parent=root)
        assert count(BEFORE) == 8
        assert list(prune(BEFORE)) == [2, 2, 2, 2]
        assert left() == {"1", "3", "5", "of 1", "of 3", "of 5"}

    @given(st.lists(st.tuples(st.booleans(), st.integers(0, 9)), min_size=1, max_size=10))
    def test_whoever_goes_goes_with_the_whole_family(self, rows: list[tuple[bool, int]]) -> None:
        """Of each row: whether it is old, and which of those before it is its parent."""
        Session.objects.all().delete()
        made: list[Session] = []
        family: list[int] = []
        for place, (old, choice) in enumerate(rows):
            parent = choice % (place + 1)
            of = {} if parent == place else {"parent": made[parent]}
            made.append(session(f"{place}", BEFORE - INSTANT if old else BEFORE, **of))
            family.append(place if parent == place else family[parent])
        young = {family[place] for place, (old, _) in enumerate(rows) if not old}
        staying = {f"{place}" for place, root in enumerate(family) if root in young}
        assert count(BEFORE) == len(rows) - len(staying)
        assert sum(prune(BEFORE)) == len(rows) - len(staying)
        assert left() == staying

    def test_looking_at_a_hundred_takes_as_many_statements_as_at_one(
        self, django_assert_num_queries: Any
    ) -> None:
        for number in range(3):
            session(f"of {number}", parent=session(f"{number}"))
            with django_assert_num_queries(5):
                assert count(BEFORE) == 2 * (number + 1)


class TestPruneSessions:
    @pytest.fixture(autouse=True)
    def now(self) -> Any:
        with time_machine.travel(NOW, tick=False):
            yield

    def test_it_keeps_ninety_days_by_default_and_says_what_it_did(self, capsys: Any) -> None:
        session(calls=3)
        session("new", BEFORE)
        call_command("prune_sessions", "--batch", "2")
        assert capsys.readouterr().out == (
            "Done: 1 sessions without news since 2026-03-03 12:00 UTC deleted;"
            " the sums of their tool calls stay in the history.\n"
        )
        assert left() == {"new"}

    def test_a_dry_run_deletes_nothing(self, capsys: Any) -> None:
        session("child", NOW - timedelta(days=6), parent=session(at=NOW - timedelta(days=6)))
        call_command("prune_sessions", "--days", "5", "--dry-run")
        assert capsys.readouterr().out == (
            "2 sessions without news since 2026-05-27 12:00 UTC would go.\n"
        )
        assert left() == {"old", "child"}
