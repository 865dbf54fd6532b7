import re
from collections.abc import Iterator
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from costs import ledger
from sessions.events import SessionEnded
from sessions.models import Session
from sessions.recording import record
from tasks.reporting import report
from tests.monitor.cast import HOSTILE, HTMX, NOW, VERSION, ago, called, task, tell, text

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]


@pytest.fixture
def clock() -> Iterator[Any]:
    with time_machine.travel(NOW, tick=False) as clock:
        yield clock


def url(key: str = "s1", query: str = "") -> str:
    return reverse("session", args=[key]) + query


def html(client: Client, query: str = "", key: str = "s1", **headers: str) -> str:
    response = client.get(url(key, query), headers=headers)
    assert response.status_code == 200
    return str(response.content.decode())


class TestHeader:
    def test_it_asks_for_a_sign_in(self, client: Client) -> None:
        tell([called(1)])
        assert client.get(url()).headers["Location"] == "/login/?next=/sessions/s1/"

    def test_it_says_what_the_session_is(self, signed_in: Client) -> None:
        facts = {"user_id": "ada", "model": "opus", "agent": "cli", "host": "box"}
        tell([called(1, title="Mend it", git_branch="fix", workspace="/srv", **facts)])
        page = html(signed_in)
        assert "<title>Mend it · Agent Monitor</title>" in page
        for told in ("s1", "Active", "ada", "opus", "cli", "box", "fix", "/srv", "1 tool call"):
            assert told in text(page)

    @pytest.mark.parametrize(
        ("minutes", "status"), [(4, "Active"), (6, "Idle"), (29, "Idle"), (31, "Completed")]
    )
    def test_its_status_follows_from_its_silence(
        self, signed_in: Client, minutes: int, status: str
    ) -> None:
        tell([called(1, minutes + 1)])
        page = html(signed_in)
        assert f">{status}</span>" in page
        assert ("data-live" in page) == (status != "Completed")

    def test_an_ended_one_says_why_and_asks_no_more(self, signed_in: Client) -> None:
        tell([called(1), SessionEnded(session_key="s1", at=ago(3), reason="logout")])
        page = html(signed_in)
        assert "Why logout" in text(page)
        assert "Completed" in text(page)
        assert "hx-trigger" not in page

    def test_a_title_of_blanks_leaves_no_link_without_words(self, signed_in: Client) -> None:
        task(description=" \n")
        sub = called(2, session_key="sub", parent_key="s1", title=" \n")
        tell([called(1, title=" \n"), sub])
        for page in (html(signed_in), html(signed_in, key="sub")):
            assert not re.search(r"<a [^>]+>\s*</a>", page)

    def test_it_links_its_task_and_its_parent(self, signed_in: Client) -> None:
        task(description="The task")
        tell([called(1, title="The parent"), called(2, session_key="sub", parent_key="s1")])
        page = html(signed_in, key="sub")
        assert 'href="/tasks/t1/" hx-get="/tasks/t1/" hx-target="#detail"' in page
        assert "Task The task Part of The parent" in text(page)

    def test_a_task_that_was_never_reported_is_no_link(self, signed_in: Client) -> None:
        tell([called(1, task_id="ghost")])
        page = html(signed_in)
        assert "Task ghost" in text(page)
        assert reverse("task", args=["ghost"]) not in page

    @pytest.mark.parametrize("key", ["nobody", "a/b", "..", "x\0y"])
    def test_an_unknown_session_is_said_so(self, signed_in: Client, key: str) -> None:
        response = signed_in.get(url(key))
        assert response.status_code == 404
        assert b"No such session" in response.content

    @pytest.mark.parametrize("key", HOSTILE)
    def test_hostile_texts_are_shown_and_nothing_more(self, signed_in: Client, key: str) -> None:
        facts = dict.fromkeys(("user_id", "agent", "model", "host", "git_branch", "title"), key)
        parent = f"parent {key}"
        tell([called(1, session_key=key, task_id="", parent_key=parent, tool_name=key, **facts)])
        page = html(signed_in, key=key)
        assert "<img src=x" not in page
        assert "alert('1')</script>" not in page
        assert 'href="javascript:' not in page
        assert key.strip() in unescape(page)
        assert signed_in.get(url(parent)).status_code == 200

    def test_nonsense_is_refused(self, signed_in: Client) -> None:
        tell([called(1)])
        assert signed_in.get(url(query="?calls=none")).status_code == 400

    def test_it_takes_no_orders(self, signed_in: Client) -> None:
        tell([called(1)])
        assert signed_in.post(url()).status_code == 405


class TestParts:
    def test_it_shows_its_calls_and_those_of_its_sub_agents(self, signed_in: Client) -> None:
        task()
        tell([called(1), called(2, session_key="sub", parent_key="s1", title="Helper")])
        tell([called(3, session_key="s2")])
        words = text(html(signed_in))
        assert "Ran make step-1" in words
        assert "Ran make step-2" in words
        assert "make step-3" not in words
        assert "by Helper" in words
        assert "Sub-agents Helper" in words
        sub = text(html(signed_in, key="sub"))
        assert "make step-2" in sub
        assert "make step-1" not in sub

    def test_it_shows_its_plan(self, signed_in: Client) -> None:
        todos = [{"content": "Read it", "status": "completed"}]
        tell([called(1, tool_name="TodoWrite", parameters={"todos": todos})])
        assert "1 of 1 done" in html(signed_in)

    def test_it_shows_its_files_and_costs(self, signed_in: Client) -> None:
        tell([called(1, tool_name="Write", parameters={"file_path": "/a.py"})])
        usage = {"user_id": "ada", "model": "claude-haiku-4-5", "output_tokens": 0}
        ledger.record_usage(input_tokens=1_000_000, session_key="s1", timestamp=ago(1), **usage)
        words = text(html(signed_in))
        assert "/a.py 1 write" in words
        assert "claude-haiku-4-5 $1.00" in words

    def test_its_log_is_that_of_its_task(self, signed_in: Client) -> None:
        task()
        tell([called(1)])
        report(task_id="t1", at=ago(1), message="Reading")
        report(task_id="s1", at=ago(1), message="Under its own key")
        report(task_id="t2", at=ago(1), message="Somebody else")
        words = text(html(signed_in))
        assert "Reading" in words
        assert "Under its own key" in words
        assert "Somebody else" not in words

    def test_a_session_without_a_log_says_so(self, signed_in: Client) -> None:
        tell([called(1, task_id="")])
        page = html(signed_in)
        assert "Nothing was logged for this session." in page
        assert "No requests to a model are recorded." in page

    def test_one_that_stands_in_has_a_page_too(self, signed_in: Client) -> None:
        task()
        tell([called(1, session_key="t1")])
        assert "make step-1" in html(signed_in, key="t1")
        assert 'id="sessions-title"' not in signed_in.get("/tasks/t1/").content.decode()


class TestFragment:
    def test_it_is_the_article_alone(self, signed_in: Client) -> None:
        tell([called(1)])
        fragment = html(signed_in, "?failed=1", **HTMX).strip()
        assert fragment.startswith('<article id="detail"')
        assert fragment.endswith("</article>")
        assert 'data-live hx-get="/sessions/s1/?failed=1"' in fragment


@pytest.mark.django_db(transaction=True)
class TestUnchanged:
    def test_no_news_are_not_sent_again_but_a_change_of_state_is(
        self, signed_in: Client, clock: Any
    ) -> None:
        tell([called(1, 4)])
        tag = signed_in.get(url(), headers=HTMX).headers["ETag"]
        headers = HTMX | {"If-None-Match": tag}
        assert signed_in.get(url(), headers=headers).status_code == 304
        clock.shift(timedelta(minutes=5))
        assert "Idle" in text(signed_in.get(url(), headers=headers).content.decode())


class TestQueries:
    # One more tells how many of the 300 sub-agents are not listed.
    @pytest.mark.parametrize(("count", "queries"), [(3, 15), (300, 16)])
    @pytest.mark.parametrize("headers", [HTMX, {}], ids=["fragment", "page"])
    def test_they_do_not_grow_with_the_calls(
        self,
        signed_in: Client,
        django_assert_num_queries: DjangoAssertNumQueries,
        count: int,
        queries: int,
        headers: dict[str, str],
    ) -> None:
        task()
        record([called(n) for n in range(count)])
        record([called(n, session_key=f"sub{n}", parent_key="s1") for n in range(count)])
        with django_assert_num_queries(queries + VERSION):
            html(signed_in, **headers)
        assert Session.objects.count() == count + 1
