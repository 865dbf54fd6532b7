"""What a row says of its task or session."""

from __future__ import annotations

from datetime import timedelta

import pytest

from costs import ledger
from monitor.activity import Figures, WorkRow
from sessions.models import Session
from tests.monitor.activity.cast import HOUR, MINUTE, NOW, RECENT, session, task, work


def spent(session_key: str, cost: int) -> None:
    tokens = {"input_tokens": 1, "output_tokens": 1}
    ledger.record_usage(user_id="ada", model="x", cost=cost, session_key=session_key, **tokens)


@pytest.mark.django_db
class TestRow:
    def row(self, **given: str) -> WorkRow:
        [row] = work(**({"show": "all"} | given)).rows
        return row

    def test_a_task_says_what_is_known_of_it(self) -> None:
        made = task(
            "a/b",
            description="\n Fix it \nand more",
            user_id="ada",
            model="sonnet",
            agent_type="code_agent",
            started_at=RECENT - HOUR,
        )
        made.activity.create(time=RECENT - HOUR, message="Started", event_id="1")
        made.activity.create(time=RECENT, message="Reading\nfiles", event_id="2")
        made.activity.create(time=NOW, message="", status="running", event_id="3")
        assert self.row() == WorkRow(
            kind="task",
            name="a/b",
            status="running",
            title="Fix it",
            note="Reading",
            agent="code_agent",
            model="sonnet",
            user_id="ada",
            at=RECENT,
            duration=HOUR,
        )

    def test_the_agent_is_the_last_one(self) -> None:
        task("a", agent_type="code_agent", last_agent_type="git-merge")
        assert self.row().agent == "git-merge"

    def test_a_session_says_what_is_known_of_it(self) -> None:
        session("k", RECENT - HOUR, last_activity_at=RECENT, title="Do it", agent="claude-code")
        row = self.row()
        assert (row.kind, row.name, row.title) == ("session", "k", "Do it")
        assert row.agent == "claude-code"
        assert (row.at, row.duration, row.note) == (RECENT, HOUR, "")

    @pytest.mark.parametrize(
        ("silence", "status"),
        [(-1, "active"), (5, "active"), (6, "idle"), (29, "idle"), (30, "completed")],
    )
    def test_the_state_of_a_session_goes_by_whole_minutes(self, silence: int, status: str) -> None:
        session("a", MINUTE - timedelta(minutes=silence))
        assert self.row().status == status

    def test_without_a_text_the_name_is_the_title(self) -> None:
        task("abc", at=NOW)
        session("0123456789abcdef")
        assert [row.title for row in work(show="all").rows] == ["Task abc", "Session 01234567"]

    def test_the_figures_of_a_task_are_those_of_its_sessions_and_their_subagents(self) -> None:
        known = task("t")
        first = session("one", task=known, calls=5, failures=1)
        session("t", task=known, calls=3, failures=0)
        child = session("child", parent=first, calls=2, failures=2)
        session("grandchild", parent=child, task=known, calls=1, failures=0)
        session("other", calls=100, failures=50)
        for name, cost in (("one", 1), ("t", 2), ("grandchild", 4), ("other", 8), ("", 16)):
            spent(name, cost)
        [row] = work().rows
        assert row.figures == Figures(calls=11, failures=3, cost_nano=7_000_000_000)

    def test_the_figures_of_a_session_include_its_subagents(self) -> None:
        parent = session("parent", calls=1, failures=1)
        session("child", parent=parent, calls=2, failures=0)
        spent("child", 3)
        assert self.row().figures == Figures(3, 1, 3_000_000_000)

    def test_sessions_that_claim_each_other_as_parents_come_to_an_end(self) -> None:
        known = task("t")
        one = session("one", task=known, calls=1)
        two = session("two", parent=one, calls=2)
        Session.objects.filter(pk=one.pk).update(parent=two)
        assert self.row().figures.calls == 3

    def test_a_task_and_a_session_of_one_name_are_two_rows(self) -> None:
        task("a", at=NOW)
        session("a", calls=4)
        assert [(row.kind, row.figures.calls) for row in work(show="all").rows] == [
            ("task", 0),
            ("session", 4),
        ]
