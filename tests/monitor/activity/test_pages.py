"""The pages of a list, and what they ask the database."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pytest_django import DjangoAssertNumQueries

from monitor.activity import PAGE_SIZE
from monitor.selection import LISTS, Selection
from sessions.models import Session
from tasks.models import Status, Task
from tests.examples import examples
from tests.monitor.activity.cast import DAY, HOUR, MINUTE, NOW, RECENT, SECOND, session, task, work


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
        max_examples=examples(25),
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
