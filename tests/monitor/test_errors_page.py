import re
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.urls import reverse
from hypothesis import given, settings
from hypothesis import strategies as st
from pytest_django import DjangoAssertNumQueries

from monitor.errors import CALLS, TASKS, ErrorList, ErrorsAddress
from monitor.overview import overview
from sessions.recording import record
from tasks.models import Task
from tests.examples import examples
from tests.monitor.cast import HOSTILE, HTMX, NOW, VERSION, called, task, tell, text

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]

DAY = 24 * 60


@pytest.fixture
def clock() -> Iterator[Any]:
    with time_machine.travel(NOW, tick=False) as clock:
        yield clock


def address(**asked: str) -> ErrorsAddress:
    return ErrorsAddress.parse("/errors/", asked, NOW)


def failed(n: int, error: str = "Boom {n}", at: float = 5) -> Task:
    return task(
        f"t{n}", "failed", at, error=error.replace("{n}", str(n)), description=f"Task number {n}"
    )


def call(n: int, error: str = "Boom {n}", at: float = 5, **fields: Any) -> None:
    tell([called(n, at, success=False, error=error.replace("{n}", str(n)), **fields)])


def html(client: Client, query: str = "", **headers: str) -> str:
    response = client.get(f"/errors/{query}", headers=headers)
    assert response.status_code == 200
    return str(response.content.decode())


class TestAddress:
    @pytest.mark.parametrize(
        "asked",
        [
            {"range": "2d"},
            {"tasks": "0"},
            {"calls": "x"},
            {"group": "tasks"},
            {"group": "users:ab"},
            {"group": "tasks:<b>"},
            {"group": ""},
        ],
    )
    def test_nonsense_is_refused(self, signed_in: Client, asked: dict[str, str]) -> None:
        with pytest.raises(ValueError, match="There is no"):
            address(**asked)
        assert signed_in.get("/errors/", asked).status_code == 400

    def test_it_says_itself_again(self) -> None:
        told = str(address(range="7d", group="tasks:", page="2"))
        assert told == "/errors/?range=7d&group=tasks%3A&page=2"


class TestGroups:
    def test_failures_that_say_the_same_are_one(self) -> None:
        for n in range(3):
            failed(n, at=9 - n)
        failed(9, "Something else")
        first, second = ErrorList(TASKS, address()).groups
        assert (first.count, first.sample) == (3, "Boom 2")
        assert (first.first, first.last) == (NOW - timedelta(minutes=9), NOW - timedelta(minutes=7))
        assert [failure.label for failure in first.newest] == [
            "Task number 2",
            "Task number 1",
            "Task number 0",
        ]
        assert (second.count, second.sample) == (1, "Something else")

    def test_of_equal_counts_the_newest_comes_first(self) -> None:
        failed(1, "Old", at=9)
        failed(2, "New", at=3)
        assert [group.sample for group in ErrorList(TASKS, address()).groups] == ["New", "Old"]

    def test_those_without_a_text_are_one(self, signed_in: Client) -> None:
        for n in range(2):
            failed(n, "")
            call(n, "")
        assert [group.count for group in ErrorList(TASKS, address()).groups] == [2]
        assert text(html(signed_in)).count("No error text") == 2

    def test_only_the_range_counts(self) -> None:
        failed(1, at=DAY - 1)
        failed(2, at=DAY + 1)
        assert ErrorList(TASKS, address()).total == 1
        assert ErrorList(TASKS, address(range="7d")).total == 2

    def test_the_newest_ten_are_linked(self) -> None:
        for n in range(12):
            call(n, at=20 - n)
        (group,) = ErrorList(CALLS, address()).groups
        assert len(group.newest) == 10
        assert group.newest[0].at == NOW - timedelta(minutes=9)
        assert not group.is_all

    @settings(deadline=None, max_examples=examples(30))
    @given(st.lists(st.tuples(st.integers(0, 4), st.integers(1, 2 * DAY)), max_size=15))
    def test_the_groups_add_up(self, failures: list[tuple[int, int]]) -> None:
        Task.objects.all().delete()
        for n, (kind, at) in enumerate(failures):
            failed(n, "abcde"[kind], at)
        shown = ErrorList(TASKS, address(range="24h"))
        inside = Counter("abcde"[kind] for kind, at in failures if at <= DAY)
        assert {group.sample: group.count for group in shown.groups} == inside
        assert shown.total == inside.total()


class TestPage:
    def test_it_asks_for_a_sign_in(self, client: Client) -> None:
        assert client.get("/errors/").headers["Location"] == "/login/?next=/errors/"

    @pytest.mark.parametrize("label", ["24h", "7d", "30d", "all"])
    def test_its_number_is_that_of_the_footer(self, signed_in: Client, label: str) -> None:
        for n, at in enumerate([5, DAY - 1, DAY + 1, 8 * DAY, 31 * DAY]):
            failed(n, at=at)
        task("fine", "completed")
        errors = overview(address(range=label).period).errors
        assert f"Failed tasks {errors}" in text(html(signed_in, f"?range={label}"))

    def test_each_failure_leads_to_its_detail(self, signed_in: Client) -> None:
        failed(1)
        call(1, session_key="a/b", title="Work")
        page = html(signed_in)
        for goal in (reverse("task", args=["t1"]), reverse("session", args=["a/b"])):
            assert f'href="{goal}" hx-get="{goal}" hx-target="#detail"' in page
            assert signed_in.get(goal).status_code == 200
        assert "Bash in Work" in text(page)

    def test_a_group_is_listed_in_whole_and_paged(self, signed_in: Client) -> None:
        for n in range(60):
            call(n, at=70 - n)
        page = html(signed_in)
        (link,) = set(re.findall(r'href="([^"]*group=calls[^"]*)"', page))
        listed = signed_in.get(unescape(link)).content.decode()
        assert "Failed tool calls that say the same" in listed
        assert "60 in this range" in listed
        assert listed.count("Boom") == 50
        assert "Page 1 of 2" in text(listed)
        older = unescape(re.findall(r'href="([^"]*page=2[^"]*)"', listed)[0])
        assert signed_in.get(older).content.decode().count("Boom") == 10

    def test_many_groups_are_paged_each_list_for_itself(self, signed_in: Client) -> None:
        words = [f"{a}{b}" for a in "abcde" for b in "vwxyz"]
        for n, word in enumerate(words):
            failed(n, word)
            call(n, word)
        page = html(signed_in, "?tasks=2")
        assert text(page).count("Page 2 of 2") == 1
        assert text(page).count("Page 1 of 2") == 1
        assert 'href="/errors/?range=24h&amp;tasks=2&amp;calls=2#calls"' in page

    def test_an_empty_range_says_so(self, signed_in: Client) -> None:
        words = text(html(signed_in))
        assert "No task failed in this range." in words
        assert "No tool call failed in this range." in words

    def test_a_group_that_is_gone_says_so(self, signed_in: Client) -> None:
        assert "None in this range." in html(signed_in, "?group=tasks:0123456789abcdef")

    def test_the_range_is_marked(self, signed_in: Client) -> None:
        page = html(signed_in, "?range=7d")
        assert re.findall(r'href="([^"]*)"[^>]*aria-current', page) == [
            "/errors/",
            "/errors/?range=7d",
        ]

    def test_a_dialog_gets_the_article_alone(self, signed_in: Client) -> None:
        fragment = html(signed_in, **HTMX).strip()
        assert fragment.startswith('<article id="detail"')
        assert 'id="detail-title"' in fragment

    @pytest.mark.parametrize("name", HOSTILE)
    def test_hostile_texts_are_shown_and_nothing_more(self, signed_in: Client, name: str) -> None:
        task(name, "failed", error=name, description=name)
        call(1, name, session_key=name, task_id="", tool_name=name, title=name)
        page = html(signed_in)
        assert "<img src=x" not in page
        assert "alert('1')</script>" not in page
        assert 'href="javascript:' not in page
        article = page.split("<article")[1].split("</article>")[0]
        links = {unescape(link) for link in re.findall(r'href="(/[^"]*)"', article)}
        assert {signed_in.get(link).status_code for link in links} == {200}


class TestQueries:
    @pytest.mark.parametrize("count", [3, 300])
    @pytest.mark.parametrize("headers", [HTMX, {}], ids=["fragment", "page"])
    def test_they_do_not_grow_with_the_failures(
        self,
        signed_in: Client,
        django_assert_num_queries: DjangoAssertNumQueries,
        count: int,
        headers: dict[str, str],
    ) -> None:
        failed(1)
        record([called(n, success=False, error="x" * (n % 30)) for n in range(count)])
        with django_assert_num_queries(6 + VERSION):
            html(signed_in, **headers)

    @pytest.mark.parametrize("count", [3, 300])
    def test_they_do_not_grow_with_a_group(
        self, signed_in: Client, django_assert_num_queries: DjangoAssertNumQueries, count: int
    ) -> None:
        record([called(n, success=False, error="Boom") for n in range(count)])
        (group,) = ErrorList(CALLS, address()).groups
        with django_assert_num_queries(4 + VERSION):
            signed_in.get(group.url)
