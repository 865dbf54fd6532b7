from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from monitor.detail.log import merged
from monitor.detail.wording import headline
from sessions.recording import record
from tasks.models import Activity, Task
from tasks.reporting import report
from tests.monitor.cast import HTMX, VERSION, ago, called, task, tell, text
from tests.monitor.task_detail.cast import html, url

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]


class TestLog:
    def test_it_is_newest_first_with_output_lines(self, signed_in: Client) -> None:
        task(at=5)
        report(task_id="t1", at=ago(4), message="Built", output_lines=12)
        words = text(html(signed_in).split('id="log-title"')[1])
        assert words.index("Built 12 lines of output") < words.index("Running")

    def test_equal_neighbours_are_one_line(self) -> None:
        same = [Activity(time=ago(n), message="Ran") for n in (1, 2)]
        other = Activity(time=ago(3), message="Built")
        assert [(entry.message, entry.times) for entry in merged([*same, other, same[0]])] == [
            ("Ran", 2),
            ("Built", 1),
            ("Ran", 1),
        ]

    def test_it_is_paged(self, signed_in: Client) -> None:
        found = task()
        found.activity.bulk_create(
            Activity(task=found, time=ago(n), message=f"line {n}", event_id=str(n))
            for n in range(120)
        )
        page = html(signed_in, "?log=3")
        assert "Page 3 of 3" in text(page)
        assert 'href="/tasks/t1/?log=2#log"' in page

    def test_an_empty_one_says_so(self, signed_in: Client) -> None:
        Task.objects.create(id="t1")
        assert "Nothing was logged." in html(signed_in)


class TestHeadline:
    def test_it_is_the_first_line_that_says_something(self) -> None:
        assert headline("\n  \n Mend   it \nnow") == "Mend it"

    def test_a_long_one_is_cut_at_a_word(self) -> None:
        assert headline("word " * 100) == " ".join(["word"] * 32) + "…"
        assert len(headline("x" * 500)) == 161


class TestFragment:
    def test_it_is_the_article_alone(self, signed_in: Client) -> None:
        task()
        fragment = html(signed_in, **HTMX).strip()
        assert fragment.startswith('<article id="detail"')
        assert fragment.endswith("</article>")
        assert 'id="detail-title"' in fragment

    def test_a_running_task_asks_for_news_of_what_is_shown(self, signed_in: Client) -> None:
        task()
        tell([called(n) for n in range(3)])
        fragment = html(signed_in, "?tool=Bash&failed=1", **HTMX)
        asks = 'data-live hx-get="/tasks/t1/?tool=Bash&amp;failed=1" hx-trigger="news"'
        assert asks in fragment
        assert "csrf" not in fragment

    @pytest.mark.parametrize("status", ["completed", "failed", "stopped"])
    def test_a_finished_task_asks_no_more(self, signed_in: Client, status: str) -> None:
        task(status=status)
        fragment = html(signed_in, **HTMX)
        assert "hx-trigger" not in fragment
        assert "data-live" not in fragment

    def test_links_work_in_a_dialog_and_on_a_page(self, signed_in: Client) -> None:
        task()
        tell([called(1)])
        goal = reverse("session", args=["s1"])
        assert f'href="{goal}" hx-get="{goal}" hx-target="#detail" hx-swap="outerHTML"' in html(
            signed_in, **HTMX
        )

    def test_a_page_has_no_tag(self, signed_in: Client) -> None:
        task()
        assert "ETag" not in signed_in.get(url()).headers


@pytest.mark.django_db(transaction=True)
class TestUnchanged:
    def ask(self, client: Client, query: str = "", tag: str = "") -> Any:
        return client.get(url(query=query), headers=HTMX | {"If-None-Match": tag})

    def test_no_news_are_not_sent_again(
        self, signed_in: Client, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        task()
        tag = self.ask(signed_in).headers["ETag"]
        assert self.ask(signed_in, tag=tag).status_code == 304
        assert self.ask(signed_in, "?failed=1", tag).status_code == 200
        tell([called(1)])
        assert self.ask(signed_in, tag=tag).status_code == 200

    def test_a_question_is_always_asked_anew(self, manager: Client) -> None:
        task()
        assert "ETag" not in self.ask(manager, "?action=stop").headers


class TestQueries:
    # One more tells how many of the 300 sub-agents are not listed.
    @pytest.mark.parametrize(("count", "queries"), [(3, 21), (300, 22)])
    @pytest.mark.parametrize("query", ["", "?failed=1", "?tool=Bash&calls=2"])
    @pytest.mark.parametrize("headers", [HTMX, {}], ids=["fragment", "page"])
    def test_they_do_not_grow_with_the_calls(
        self,
        signed_in: Client,
        django_assert_num_queries: DjangoAssertNumQueries,
        count: int,
        queries: int,
        query: str,
        headers: dict[str, str],
    ) -> None:
        task()
        sub = {"parent_key": "s1", "task_id": ""}
        record([called(n, success=n % 2 > 0) for n in range(count)])
        record([called(n, session_key=f"sub{n}", **sub) for n in range(count)])
        with django_assert_num_queries(queries + VERSION):
            html(signed_in, query, **headers)
