"""Which tasks and sessions each list holds."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tasks.models import Status
from tests.monitor.activity.cast import MINUTE, NOW, OLD, RECENT, SECOND, session, task, work


def names(**given: str) -> list[str]:
    return [row.name for row in work(**given).rows]


@pytest.mark.django_db
class TestLists:
    def test_active_are_unfinished_tasks_of_any_age_and_sessions_heard_of_lately(self) -> None:
        task("pending", Status.PENDING, OLD)
        task("running", Status.RUNNING, OLD)
        session("active", NOW)
        session("idle", MINUTE - timedelta(minutes=30) + SECOND)
        task("completed", Status.COMPLETED, NOW)
        task("failed", Status.FAILED, NOW)
        session("silent", MINUTE - timedelta(minutes=30))
        session("ended", NOW, ended_at=NOW)
        assert set(names()) == {"pending", "running", "active", "idle"}

    def test_completed_are_completed_tasks_and_closed_sessions_of_the_range(self) -> None:
        task("completed", Status.COMPLETED)
        session("silent")
        session("ended", NOW, ended_at=NOW)
        task("old", Status.COMPLETED, OLD)
        session("old session", OLD)
        session("alive", NOW)
        task("failed", Status.FAILED)
        assert names(show="completed") == ["ended", "silent", "completed"]
        assert len(names(show="completed", range="7d")) == 5

    def test_failed_are_failed_and_stopped_tasks_of_the_range(self) -> None:
        task("failed", Status.FAILED)
        task("stopped", Status.STOPPED, NOW)
        task("old", Status.FAILED, OLD)
        session("session")
        assert names(show="failed") == ["stopped", "failed"]
        assert names(show="failed", range="7d") == ["stopped", "failed", "old"]

    def test_the_range_goes_by_the_last_news(self) -> None:
        task("a", Status.COMPLETED, OLD, updated_at=RECENT)
        session("b", OLD, last_activity_at=RECENT)
        assert set(names(show="completed")) == {"a", "b"}

    def test_a_session_that_is_heard_of_again_is_active_again(self) -> None:
        session("a", NOW, ended_at=NOW - SECOND)
        assert names() == ["a"]

    def test_a_session_of_a_known_task_and_a_subagent_are_part_of_another_row(self) -> None:
        known = task("known")
        session("works on it", task=known)
        parent = session("parent")
        session("child", parent=parent)
        session("stands in", task_id="gone")
        assert names(show="all") == ["parent", "stands in", "known"]

    def test_the_badge_counts_all_of_the_range(self) -> None:
        for at in (RECENT, OLD):
            task(f"completed {at}", Status.COMPLETED, at)
            task(f"running {at}", Status.RUNNING, at)
            session(f"session {at}", at)
        found = work()
        assert (found.tasks, found.sessions, found.total) == (3, 1, 4)
        assert {tab.show: tab.count for tab in found.tabs} == {
            "active": 2,
            "completed": 2,
            "failed": 0,
            "all": 4,
        }

    def test_a_search_finds_in_what_stands_in_rows_and_errors(self) -> None:
        task("abc-1", description="Something else")
        task("2", description="the ABC of it")
        task("3", user_id="abc")
        task("4", Status.FAILED, error="no abc found")
        task("5")
        session("abc-key")
        session("6", title="my abc")
        session("7", user_id="Abc")
        session("8")
        found = work(show="all", q="abc")
        assert {row.name for row in found.rows} == {"abc-1", "2", "3", "4", "abc-key", "6", "7"}
        assert (found.tasks, found.sessions) == (4, 3)

    @pytest.mark.parametrize("sign", ["%", "_", "\\", "'"])
    def test_a_sign_is_searched_for_as_it_is(self, sign: str) -> None:
        task("1", description=f"100{sign}")
        task("2", description="100")
        assert names(q=sign) == ["1"]
