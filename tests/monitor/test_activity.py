from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from model_bakery import baker
from pytest_django import DjangoAssertNumQueries

from costs import ledger
from monitor.activity import PAGE_SIZE, Figures, Work, WorkRow
from monitor.hints import hint
from monitor.periods import Period
from monitor.selection import LISTS, Selection
from sessions.models import Session
from tasks.models import ACTIVE, Status, Task

NOW = datetime(2026, 3, 29, 12, 34, 56, tzinfo=UTC)
MINUTE = NOW.replace(second=0)
SECOND, HOUR, DAY = timedelta(seconds=1), timedelta(hours=1), timedelta(days=1)
RECENT, OLD = NOW - 2 * HOUR, NOW - 3 * DAY


def select(**given: str) -> Selection:
    return Selection.parse(given, NOW)


def work(**given: str) -> Work:
    return Work(select(**given))


def names(**given: str) -> list[str]:
    return [row.name for row in work(**given).rows]


def task(name: str, status: str = Status.RUNNING, at: datetime = RECENT, **fields: Any) -> Task:
    ended = None if status in ACTIVE else at
    times = {"created_at": at, "updated_at": at, "finished_at": ended}
    return baker.make(Task, **{"id": name, "status": status} | times | fields)


def session(name: str, at: datetime = RECENT, **fields: Any) -> Session:
    times = {"started_at": at, "last_activity_at": at}
    return baker.make(Session, **{"key": name} | times | fields)


def spent(session_key: str, cost: int) -> None:
    tokens = {"input_tokens": 1, "output_tokens": 1}
    ledger.record_usage(user_id="ada", model="x", cost=cost, session_key=session_key, **tokens)


class TestSelection:
    def test_without_parameters_it_is_what_is_active_today(self) -> None:
        assert select() == Selection(Period.parse("24h", NOW), MINUTE, "active", "", 1)

    def test_it_is_what_the_address_says(self) -> None:
        given = {"range": "7d", "show": "failed", "q": "  a b ", "page": "3"}
        assert select(**given) == Selection(Period.parse("7d", NOW), MINUTE, "failed", "a b", 3)

    @pytest.mark.parametrize(
        ("name", "value", "words"),
        [
            ("range", "2d", "no range “2d”"),
            ("show", "<b>", "no list “<b>”; choose active, completed, failed, all"),
            ("q", "x" * 201, "up to 200 characters"),
            ("q", "a\0b", "characters"),
            ("page", "0", "no page “0”"),
            ("page", "-1", "no page"),
            ("page", "٣", "no page"),
            ("page", "9" * 5000, "no page “99999999999999999999”"),
            ("page", "", "no page"),
        ],
    )
    def test_it_says_what_makes_no_sense(self, name: str, value: str, words: str) -> None:
        with pytest.raises(ValueError, match=r"There is|Search") as fault:
            select(**{name: value})
        assert words in str(fault.value)

    def test_its_query_string_leads_back_to_it(self) -> None:
        assert select(q="a&b=ü", page="2").query(page="2") == (
            "?range=24h&show=active&q=a%26b%3D%C3%BC&page=2"
        )

    def test_a_change_leads_to_the_first_page(self) -> None:
        query = select(range="7d", q="x", page="2").query
        assert query(show="all") == "?range=7d&show=all&q=x"
        assert query(q="") == "?range=7d&show=active"


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


@pytest.mark.django_db
class TestQueries:
    def fill(self, count: int) -> None:
        for number in range(count):
            at = RECENT - number * SECOND
            made = task(f"t{number}", at=at)
            head = session(f"h{number}", task=made)
            session(f"c{number}", parent=head)
            alone = session(f"s{number}", at)
            session(f"d{number}", parent=alone)
            made.activity.create(time=RECENT, message="x", event_id="1")

    @pytest.mark.parametrize("rows", [3, 40])
    def test_they_are_eight_however_many_rows_there_are(
        self, rows: int, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        self.fill(rows)
        found = work(show="all")
        with django_assert_num_queries(8):  # counts, page, tasks, sessions, three levels, costs
            assert len(found.rows) == min(2 * rows, PAGE_SIZE)
            assert found.total == 2 * rows
            assert len(found.tabs) == 4

    def test_nothing_is_asked_before_it_is_shown(
        self, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        with django_assert_num_queries(0):
            work(show="all", q="x", page="2")


ages = st.integers(0, 100 * 60).map(lambda minutes: NOW - timedelta(minutes=minutes))
times = st.one_of(ages, st.sampled_from([NOW, RECENT, NOW - DAY, MINUTE - DAY]))
made_tasks = st.lists(st.tuples(st.sampled_from(list(Status)), times), max_size=60)
kinds = st.sampled_from(["", "end", "task", "child"])
made_sessions = st.lists(st.tuples(kinds, times), max_size=60)


class TestPages:
    """Against a plain list of all there is."""

    def make(self, tasks: list[Any], sessions: list[Any]) -> list[tuple[str, datetime, Any]]:
        """Fill the database; answers the state, the time and the place of each row."""
        for table in (Session, Task):
            table.objects.all().delete()
        rows = []
        for number, (status, at) in enumerate(tasks):
            task(f"t{number:03}", status, at)
            rows.append((status.value, at, ("task", f"t{number:03}")))
        parent = session("parent", NOW - 99 * DAY)
        rows.append(("closed", parent.last_activity_at, ("session", "parent")))
        known = task("known", Status.PENDING, NOW - 99 * DAY)
        rows.append(("pending", known.updated_at, ("task", "known")))
        for number, (kind, at) in enumerate(sessions):
            fields: dict[str, Any] = {
                "": {},
                "end": {"ended_at": at},
                "task": {"task": known},
                "child": {"parent": parent},
            }[kind]
            made = session(f"s{number:03}", at, **fields)
            if kind in ("", "end"):
                state = "closed" if made.status(MINUTE) == "completed" else "open"
                rows.append((state, at, ("session", made.key)))
        return rows

    def expected(self, rows: list[Any], selection: Selection) -> list[tuple[str, str]]:
        start, end = selection.window
        shown = [
            (at, place)
            for state, at, place in rows
            if state in LISTS[selection.show]
            and (state in ("pending", "running", "open") or start <= at < end)
        ]
        return [place for _, place in sorted(shown, key=lambda row: (-row[0].timestamp(), row[1]))]

    @pytest.mark.django_db
    @settings(
        max_examples=25,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )
    @given(made_tasks, made_sessions, st.sampled_from(["24h", "7d", "all"]))
    def test_together_they_hold_each_row_once_and_in_order(
        self, tasks: list[Any], sessions: list[Any], label: str
    ) -> None:
        rows = self.make(tasks, sessions)
        for show in LISTS:
            first = work(show=show, range=label)
            pages = [
                work(show=show, range=label, page=str(number + 1)).rows
                for number in range(first.pages)
            ]
            found = [(row.kind, row.name) for page in pages for row in page]
            assert found == self.expected(rows, first.selection)
            assert first.count(show) == len(found)
            assert all(len(page) == PAGE_SIZE for page in pages[:-1])
            assert pages[-1] or not found

    @pytest.mark.django_db
    def test_a_page_beyond_the_end_is_the_last_one(self) -> None:
        for number in range(PAGE_SIZE + 1):
            task(f"{number:02}", at=NOW - number * HOUR)
        found = work(page="999")
        assert (found.number, found.pages) == (2, 2)
        assert [row.name for row in found.rows] == ["20"]

    @pytest.mark.django_db
    def test_each_leads_to_those_beside_it(self) -> None:
        for number in range(2 * PAGE_SIZE + 1):
            task(f"{number:02}")
        first, middle, last = (work(page=page) for page in "123")
        assert (first.previous, first.next) == ("", "?range=24h&show=active&page=2")
        assert (middle.previous, middle.next) == (
            "?range=24h&show=active",
            "?range=24h&show=active&page=3",
        )
        assert (last.previous, last.next) == ("?range=24h&show=active&page=2", "")

    @pytest.mark.django_db
    def test_an_empty_list_is_one_page(self) -> None:
        found = work()
        assert (found.pages, found.number, found.previous, found.next) == (1, 1, "", "")


HINTS: list[tuple[dict[str, str], int, str, str, str]] = [
    ({}, 0, "Nothing is running now.", "", ""),
    ({}, 7, "Nothing is running now.", "show=all", "Show all in the last 24 hours"),
    ({"range": "all"}, 7, "Nothing is running now.", "show=all", "Show all"),
    ({"show": "failed"}, 7, "Nothing failed in the last 24 hours.", "range=all", "further back"),
    ({"show": "all", "range": "7d"}, 0, "in the last 7 days.", "range=all", "further back"),
    ({"show": "completed", "range": "all"}, 7, "Nothing was completed so far.", "", ""),
    ({"q": "x"}, 1200, "No match in this list.", "show=all&q=x", "Show all matches (1,200)"),
    ({"q": "x"}, 0, "24 hours matches “x”.", "range=all&show=all&q=x", "Search further back"),
    ({"q": "x", "range": "all"}, 0, "Nothing matches “x”.", "show=active", "Clear the search"),
]


class TestHint:
    @pytest.mark.parametrize(("given_", "total", "text", "query", "words"), HINTS)
    def test_it_says_why_there_is_nothing_and_where_there_may_be_something(
        self, given_: dict[str, str], total: int, text: str, query: str, words: str
    ) -> None:
        found = hint(select(**given_), total)
        assert found.text.endswith(text)
        assert query in found.query
        assert found.words.endswith(words)
        assert bool(found.query) == bool(query)
