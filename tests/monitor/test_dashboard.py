from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from html import unescape
from typing import Any
from urllib.parse import quote

import pytest
import time_machine
from django.db import connection
from django.test import Client
from model_bakery import baker
from pytest_django import DjangoAssertNumQueries

from costs import ledger
from costs.windows import Totals
from monitor.dashboard import Dashboard
from monitor.overview import overview
from monitor.ranking import Row, ranked
from monitor.selection import Selection
from sessions import statistics
from sessions.events import ToolEnded
from sessions.recording import record as record_events
from tasks.models import Status, Task
from tasks.reporting import report

NOW = datetime(2026, 3, 29, 12, 34, 56, tzinfo=UTC)
LABELS = [
    "Errors",
    "Total Tasks",
    "Success Rate",
    "API Cost",
    "API Requests",
    "Tool Calls",
    "Code Sessions",
]


def record(at: datetime = NOW - timedelta(hours=1), **fields: Any) -> None:
    ledger.record_usage(
        **{"user_id": "ada", "model": "claude-haiku-4-5", "input_tokens": 2_000_000}
        | {"output_tokens": 0, "timestamp": at}
        | fields
    )


def poll(client: Client, target: str, url: str = "/", **headers: str) -> Any:
    return client.get(url, headers={"HX-Request": "true", "HX-Target": target} | headers)


def work(name: str, at: datetime = NOW, **fields: Any) -> None:
    """A task, and a session that works on none; each has made a call."""
    report(**{"task_id": name, "at": at, "status": "running"} | fields)
    for key, task_id in ((f"{name}-session", name), (f"{name}-alone", "")):
        event = {"session_key": key, "task_id": task_id, "at": at, "tool_use_id": "1"}
        record_events([ToolEnded(tool_name="Bash", success=True, duration_ms=380, **event)])


PARTS = ["work", "tools", "costs", "stats"]
QUERIES = {"work": 9, "tools": 4, "costs": 13, "stats": 10}  # session and user are two of each
PAGE_QUERIES = 30


@pytest.fixture
def clock() -> Iterator[Any]:
    with time_machine.travel(NOW, tick=False) as clock:
        yield clock


class TestRanked:
    def test_the_dearest_comes_first_with_its_share(self) -> None:
        rows = ranked({"a": Totals(9, 25), "b": Totals(1, 75)})
        assert rows == [Row("b", Totals(1, 75), 0.75), Row("a", Totals(9, 25), 0.25)]

    def test_equal_costs_go_by_requests_and_name(self) -> None:
        sums = {"b": Totals(1), "a": Totals(1), "c": Totals(2)}
        assert [row.name for row in ranked(sums)] == ["c", "a", "b"]

    def test_nothing_costs_no_share(self) -> None:
        assert ranked({"free": Totals(3, 0)})[0].share == 0

    def test_what_is_left_over_is_one_row(self) -> None:
        sums = {str(n): Totals(1, n, 10, 1, 2, 3, 4) for n in range(1, 6)}
        assert ranked(sums, top=3)[3] == Row(
            "2 more", Totals(2, 3, 20, 2, 4, 6, 8), 0.2, is_rest=True
        )

    def test_both_kinds_of_cache_writes_are_one_figure(self) -> None:
        assert Row("a", Totals(1, 1, 1, 1, 1, 20, 3), 1).cache_write_tokens == 23


@pytest.mark.django_db
@pytest.mark.usefixtures("clock")
class TestDashboard:
    def page(self, label: str = "24h") -> Dashboard:
        return Dashboard(Selection.parse({"range": label}, NOW))

    def test_the_trend_compares_with_the_period_before(self) -> None:
        record()
        record(NOW - timedelta(hours=30), input_tokens=1_000_000)
        assert self.page().trend == 1.0
        assert self.page("7d").trend is None
        assert self.page("all").trend is None

    def test_unpriced_models_are_named_with_their_requests(self) -> None:
        record()
        for _ in range(2):
            record(model="mystery-1")
        record(model="mystery-2")
        record(NOW - timedelta(days=3), model="mystery-3")
        assert self.page().unpriced == [("mystery-1", 2), ("mystery-2", 1)]

    def test_a_cost_that_came_along_is_a_price(self) -> None:
        record(model="mystery-1", cost=1)
        assert self.page().unpriced == []

    def test_a_quiet_day_is_not_an_empty_database(self) -> None:
        assert self.page().is_empty
        record(NOW - timedelta(days=400))
        assert not self.page().is_empty

    def test_a_pruned_ledger_is_not_an_empty_database(self) -> None:
        record(NOW - timedelta(days=400))
        list(ledger.prune(NOW))
        assert not self.page().is_empty

    def test_the_headline_equals_the_footer(self) -> None:
        record()
        record(user_id="bob", model="claude-sonnet-4-5")
        assert self.page().cost_nano == overview(self.page().period).cost_nano > 0


@pytest.mark.django_db
@pytest.mark.usefixtures("clock")
class TestPage:
    def test_it_asks_for_a_sign_in(self, client: Client) -> None:
        response = client.get("/?range=7d")
        assert response.headers["Location"] == "/login/?next=/%3Frange%3D7d"

    @pytest.mark.parametrize("label", ["24h", "7d", "30d", "all"])
    def test_the_seven_figures_stand_in_their_order(self, signed_in: Client, label: str) -> None:
        record()
        html = signed_in.get(f"/?range={label}").content.decode()
        labels = [part.split("</dt>")[0] for part in html.split("<dt>")[1:]]
        assert labels == [
            f"{name} ({label})" if name in ("Errors", "API Cost") else name for name in LABELS
        ]

    def test_it_shows_the_figures(self, signed_in: Client) -> None:
        record()
        record(NOW - timedelta(hours=2), model="no-such-model", user_id="<b>eve</b>")
        baker.make(Task, status=Status.FAILED, created_at=NOW, finished_at=NOW)
        html = signed_in.get("/").content.decode()
        assert '<data value="2" title="$2">$2.00</data>' in html
        assert "&lt;b&gt;eve" in html
        assert "No price is known for" in html
        assert "<dd>0.0%</dd>" in html

    def test_the_range_of_the_url_is_marked(self, signed_in: Client) -> None:
        html = signed_in.get("/?range=30d").content.decode()
        assert html.count("aria-current") == 3  # and the list, and the page
        assert 'href="?range=30d&amp;show=active" aria-current="page"' in html

    @pytest.mark.parametrize("name", ["range", "show", "page"])
    def test_what_makes_no_sense_is_a_bad_request_with_the_reason(
        self, signed_in: Client, name: str
    ) -> None:
        response = signed_in.get("/", {name: "<script>"})
        assert response.status_code == 400
        assert "“&lt;script&gt;”" in response.content.decode()

    def test_an_empty_database_shows_the_next_step_and_no_zeros(self, signed_in: Client) -> None:
        html = signed_in.get("/").content.decode()
        assert "import_usage PATH" in html
        assert "record_usage(" in html
        assert "<dd>" not in html
        assert "$0.00" not in html

    def test_the_snippet_of_the_empty_page_fills_it(self, signed_in: Client) -> None:
        html = signed_in.get("/").content.decode()
        snippet = next(part for part in html.split("<code>") if part.startswith("import os"))
        exec(unescape(snippet.split("</code>")[0]), {})
        html = signed_in.get("/?range=all").content.decode()
        assert "claude-sonnet-5-5" in html
        assert "Try the monitor" in html

    def test_a_range_without_requests_says_so(self, signed_in: Client) -> None:
        record(NOW - timedelta(days=3))
        html = signed_in.get("/").content.decode()
        assert html.count("No requests in this range.") == 2
        assert '<a href="?range=all">Show all that was ever recorded</a>' in html
        assert "Show all" not in signed_in.get("/?range=7d").content.decode()

    @pytest.mark.parametrize(
        ("before", "words"),
        [
            (2, "50.0% less than"),
            (1, "as much as"),
            ("0.5", "100.0% more than"),
            ("0.1", "more than ten times"),
        ],
    )
    def test_the_trend_is_worded(self, signed_in: Client, before: Any, words: str) -> None:
        record(cost=1)
        record(NOW - timedelta(hours=30), cost=Decimal(before))
        html = " ".join(signed_in.get("/").content.decode().split())
        assert f"{words} the 24 hours before" in html

    def test_a_window_widened_by_pruning_says_so(self, signed_in: Client) -> None:
        record(NOW - timedelta(days=20))
        assert "whole hour" not in signed_in.get("/?range=7d").content.decode()
        list(ledger.prune(NOW))
        assert "whole hour" in signed_in.get("/?range=7d").content.decode()

    def test_it_may_only_be_read(self, signed_in: Client) -> None:
        assert signed_in.post("/").status_code == 405

    def test_a_page_has_no_tag(self, signed_in: Client) -> None:
        response = signed_in.get("/")
        assert "ETag" not in response.headers
        assert response.headers["Cache-Control"] == "private, no-cache"
        assert {"HX-Request", "HX-Target"} <= set(response.headers["Vary"].split(", "))

    @pytest.mark.parametrize("rows", [3, 40])
    def test_its_queries_do_not_grow_with_the_data(
        self, signed_in: Client, rows: int, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        for number in range(rows):
            record(user_id=str(number), model=f"m{number}")
            work(f"t{number}", NOW - timedelta(minutes=number))
        with django_assert_num_queries(PAGE_QUERIES + (connection.vendor != "sqlite")):
            signed_in.get("/?show=all")


@pytest.mark.django_db
class TestFragment:
    @pytest.fixture(autouse=True)
    def news(self, clock: Any) -> None:
        record()

    @pytest.mark.parametrize("target", PARTS)
    def test_it_is_the_part_alone(self, signed_in: Client, target: str) -> None:
        response = poll(signed_in, target)
        html = response.content.decode().strip()
        assert html.startswith(("<div", "<footer", "<section"))
        assert f'id="{target}"' in html.partition(">")[0]
        assert "csrf" not in html
        assert response.headers["Cache-Control"] == "private, no-cache"
        assert {"HX-Request", "HX-Target"} <= set(response.headers["Vary"].split(", "))

    @pytest.mark.parametrize("target", PARTS)
    def test_it_stands_word_for_word_in_the_page(self, signed_in: Client, target: str) -> None:
        work("a", NOW - timedelta(hours=1))
        assert poll(signed_in, target).content.strip() in signed_in.get("/").content

    @pytest.mark.parametrize("target", PARTS)
    def test_no_news_cost_one_question_besides_session_and_user(
        self,
        signed_in: Client,
        target: str,
        django_assert_num_queries: DjangoAssertNumQueries,
    ) -> None:
        tag = poll(signed_in, target).headers["ETag"]
        beside = connection.vendor == "sqlite"  # asked through a connection of its own
        with django_assert_num_queries(2 if beside else 3) as asked:
            response = poll(signed_in, target, **{"If-None-Match": tag})
        assert response.status_code == 304
        assert response.content == b""
        assert response.headers["Cache-Control"] == "private, no-cache"
        session, user, *version = [query["sql"] for query in asked.captured_queries]
        assert "django_session" in session
        assert "auth_user" in user
        assert all("pg_current_snapshot" in query for query in version)

    @pytest.mark.parametrize("target", PARTS)
    def test_each_pays_for_its_own_queries_alone(
        self, signed_in: Client, target: str, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        work("a")
        with django_assert_num_queries(QUERIES[target] + (connection.vendor != "sqlite")):
            poll(signed_in, target)

    @pytest.mark.django_db(transaction=True)  # of commits alone there is news
    def test_news_make_a_new_tag(self, signed_in: Client) -> None:
        tag = poll(signed_in, "stats").headers["ETag"]
        record()
        response = poll(signed_in, "stats", **{"If-None-Match": tag})
        assert response.status_code == 200
        assert response.headers["ETag"] != tag

    @pytest.mark.django_db(transaction=True)
    def test_a_row_that_changes_in_place_is_news(self, signed_in: Client) -> None:
        work("a")
        tag = poll(signed_in, "work").headers["ETag"]
        Task.objects.get().complete()
        assert poll(signed_in, "work").headers["ETag"] != tag

    @pytest.mark.parametrize("url", ["/", "/?range=all"])
    def test_a_new_minute_makes_a_new_tag(self, signed_in: Client, clock: Any, url: str) -> None:
        tag = poll(signed_in, "work", url).headers["ETag"]
        clock.shift(3)
        assert poll(signed_in, "work", url).headers["ETag"] == tag
        clock.shift(60)
        assert poll(signed_in, "work", url).headers["ETag"] != tag

    def test_within_a_minute_the_text_is_the_same(self, signed_in: Client, clock: Any) -> None:
        work("a", NOW - timedelta(minutes=5))
        for target in PARTS:
            clock.move_to(NOW.replace(second=0))
            first = poll(signed_in, target, "/?show=all&range=all").content
            clock.move_to(NOW.replace(second=59, microsecond=999_999))
            assert poll(signed_in, target, "/?show=all&range=all").content == first

    def test_parts_and_selections_have_tags_of_their_own(self, signed_in: Client) -> None:
        urls = [
            "/",
            *(f"/?{part}" for part in ("range=7d", "range=all", "show=all", "q=x", "page=2")),
        ]
        tags = {poll(signed_in, target, url).headers["ETag"] for target in PARTS for url in urls}
        assert len(tags) == len(PARTS) * len(urls)

    @pytest.mark.parametrize("query", ["range=2d", "show=none", "page=0"])
    def test_what_makes_no_sense_is_refused_here_too(self, signed_in: Client, query: str) -> None:
        assert poll(signed_in, "stats", f"/?{query}").status_code == 400


@pytest.mark.django_db
@pytest.mark.usefixtures("clock")
class TestList:
    def html(self, client: Client, query: str = "") -> str:
        return " ".join(poll(client, "work", f"/{query}").content.decode().split())

    def test_a_row_is_a_link_to_its_page_which_keeps_the_range(self, signed_in: Client) -> None:
        work("a/b ?")
        html = self.html(signed_in, "?range=7d")
        assert 'href="/tasks/a/b%20%3F/?range=7d" hx-get="/tasks/a/b%20%3F/?range=7d"' in html
        assert 'href="/sessions/a/b%20%3F-alone/?range=7d"' in html

    def test_the_badge_and_the_tabs_count(self, signed_in: Client) -> None:
        work("a")
        report(task_id="b", at=NOW, status="failed", error="no")
        html = self.html(signed_in)
        assert "2 tasks, 1 session<" in html
        assert '<a href="?range=24h&amp;show=active" aria-current="page">Active' in html
        assert 'Failed <span class="count">1</span>' in html
        assert 'All <span class="count">3</span>' in html

    def test_what_others_wrote_is_text(self, signed_in: Client) -> None:
        evil = '"><img src=x onerror=alert(1)>'
        facts = {"description": evil, "model": evil, "agent_type": evil, "message": evil}
        work("a", user_id="<b>", **facts)
        html = self.html(signed_in, f"?q={quote('onerror')}")
        assert "<img" not in html
        assert "<b>" not in html
        assert html.count("&lt;img src=x") >= 4

    def test_tabs_pages_and_ranges_keep_the_search(self, signed_in: Client) -> None:
        for number in range(21):
            report(task_id=f"t{number}", at=NOW, status="running")
        html = signed_in.get("/?q=t%261&range=7d").content.decode()
        assert "?range=7d&amp;show=failed&amp;q=t%261" in html
        assert "?range=30d&amp;show=active&amp;q=t%261" in html
        assert 'value="t&amp;1"' in html
        assert "?range=24h&amp;show=active&amp;q=t&amp;page=2" in self.html(signed_in, "?q=t")

    def test_one_page_needs_no_pager(self, signed_in: Client) -> None:
        work("a")
        assert "Page 1" not in self.html(signed_in)

    def test_a_part_asks_for_the_page_that_it_shows(self, signed_in: Client) -> None:
        work("a")
        assert "page=9" not in self.html(signed_in, "?page=9").partition(">")[0]

    def test_without_rows_it_says_where_there_are_some(self, signed_in: Client) -> None:
        report(task_id="a", at=NOW, status="completed")
        html = self.html(signed_in)
        assert 'Nothing is running now. <a href="?range=24h&amp;show=all">' in html

    def test_before_the_first_row_it_says_that_it_fills_by_itself(self, signed_in: Client) -> None:
        assert "No task or session was recorded yet." in self.html(signed_in)
        record()
        assert "Nothing is running now." in self.html(signed_in)

    def test_a_search_finds_nothing_without_first_steps(self, signed_in: Client) -> None:
        assert "Nothing in the last 24 hours matches “x”." in self.html(signed_in, "?q=x")


@pytest.mark.django_db
@pytest.mark.usefixtures("clock")
class TestTools:
    def html(self, client: Client, query: str = "") -> str:
        return " ".join(poll(client, "tools", f"/{query}").content.decode().split())

    def test_each_has_its_figures(self, signed_in: Client) -> None:
        work("a")
        html = self.html(signed_in)
        assert '<th scope="row">Bash</th> <td class="num">2</td> <td class="num">0</td>' in html
        assert '<td class="num">0.0%</td> <td class="num">380 ms</td>' in html
        assert "within 0.8 %" not in html

    def test_many_calls_say_how_exact_they_are(
        self, signed_in: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(statistics, "EXACT_UP_TO", 0)
        work("a")
        assert "within 0.8 %" in self.html(signed_in, "?range=30d")

    def test_without_calls_it_is_hidden(self, signed_in: Client) -> None:
        assert '<section id="tools" class="card" hidden' in self.html(signed_in)
