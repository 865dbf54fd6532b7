from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from html import unescape
from typing import Any

import pytest
import time_machine
from django.test import Client
from model_bakery import baker
from pytest_django import DjangoAssertNumQueries

from costs import ledger
from costs.windows import Totals
from monitor.dashboard import Dashboard, Row, ranked
from monitor.overview import overview
from monitor.periods import Period
from tasks.models import Status, Task

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
        assert ranked(sums, top=3)[3] == Row("2 more", Totals(2, 3, 20, 2, 4, 6, 8), 0.2)

    def test_both_kinds_of_cache_writes_are_one_figure(self) -> None:
        assert Row("a", Totals(1, 1, 1, 1, 1, 20, 3), 1).cache_write_tokens == 23


@pytest.mark.django_db
@pytest.mark.usefixtures("clock")
class TestDashboard:
    def page(self, label: str = "24h") -> Dashboard:
        return Dashboard(Period.parse(label, NOW))

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
        assert '<data value="2.000000000" title="$2.000000000">$2.00</data>' in html
        assert "&lt;b&gt;eve" in html
        assert "No price is known for" in html
        assert "<dd>0.0%</dd>" in html

    def test_the_range_of_the_url_is_marked(self, signed_in: Client) -> None:
        html = signed_in.get("/?range=30d").content.decode()
        assert html.count("aria-current") == 1
        assert 'href="?range=30d" aria-current="page"' in html

    def test_an_unknown_range_is_a_bad_request_with_the_reason(self, signed_in: Client) -> None:
        response = signed_in.get("/", {"range": "<script>"})
        assert response.status_code == 400
        assert "no range “&lt;script&gt;”" in response.content.decode()

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
        assert "claude-sonnet-5-5" in signed_in.get("/?range=all").content.decode()

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

    def test_its_queries_do_not_grow_with_the_data(
        self, signed_in: Client, django_assert_max_num_queries: Any
    ) -> None:
        for number in range(30):
            record(user_id=str(number), model=f"m{number}")
        with django_assert_max_num_queries(25):
            signed_in.get("/")


@pytest.mark.django_db
class TestFragment:
    @pytest.fixture(autouse=True)
    def news(self, clock: Any) -> None:
        record()

    @pytest.mark.parametrize("target", ["costs", "stats"])
    def test_it_is_the_part_alone(self, signed_in: Client, target: str) -> None:
        response = poll(signed_in, target)
        html = response.content.decode().strip()
        assert html.startswith(("<div", "<footer"))
        assert f'id="{target}"' in html.partition(">")[0]
        assert "csrf" not in html
        assert response.headers["Cache-Control"] == "private, no-cache"
        assert {"HX-Request", "HX-Target"} <= set(response.headers["Vary"].split(", "))

    @pytest.mark.parametrize("target", ["costs", "stats"])
    def test_it_stands_word_for_word_in_the_page(self, signed_in: Client, target: str) -> None:
        assert poll(signed_in, target).content.strip() in signed_in.get("/").content

    @pytest.mark.parametrize("target", ["costs", "stats"])
    def test_no_news_cost_one_query_besides_session_and_user(
        self,
        signed_in: Client,
        target: str,
        django_assert_num_queries: DjangoAssertNumQueries,
    ) -> None:
        tag = poll(signed_in, target).headers["ETag"]
        with django_assert_num_queries(3) as asked:
            response = poll(signed_in, target, **{"If-None-Match": tag})
        assert response.status_code == 304
        assert response.content == b""
        assert response.headers["Cache-Control"] == "private, no-cache"
        session, user, version = [query["sql"] for query in asked.captured_queries]
        assert "django_session" in session
        assert "auth_user" in user
        assert "pg_current_snapshot" in version or "max(id)" in version

    def test_each_pays_for_its_own_queries_alone(
        self, signed_in: Client, django_assert_num_queries: Any
    ) -> None:
        with django_assert_num_queries(11) as asked:
            poll(signed_in, "stats")
        assert not any("GROUP BY" in query["sql"] for query in asked.captured_queries)
        with django_assert_num_queries(14) as asked:
            poll(signed_in, "costs")
        assert not any("toolcall" in q["sql"] for q in asked.captured_queries[3:])

    @pytest.mark.django_db(transaction=True)  # PostgreSQL tells of commits alone
    def test_news_make_a_new_tag(self, signed_in: Client) -> None:
        tag = poll(signed_in, "stats").headers["ETag"]
        record()
        response = poll(signed_in, "stats", **{"If-None-Match": tag})
        assert response.status_code == 200
        assert response.headers["ETag"] != tag

    def test_a_new_minute_makes_a_new_tag(self, signed_in: Client, clock: Any) -> None:
        tag = poll(signed_in, "stats").headers["ETag"]
        clock.shift(3)
        assert poll(signed_in, "stats").headers["ETag"] == tag
        clock.shift(60)
        assert poll(signed_in, "stats").headers["ETag"] != tag

    def test_all_time_has_no_minutes(self, signed_in: Client, clock: Any) -> None:
        tag = poll(signed_in, "stats", "/?range=all").headers["ETag"]
        clock.shift(3600)
        assert poll(signed_in, "stats", "/?range=all").headers["ETag"] == tag

    def test_parts_and_ranges_have_tags_of_their_own(self, signed_in: Client) -> None:
        urls = ["/", "/?range=7d", "/?range=30d", "/?range=all"]
        tags = {poll(signed_in, t, url).headers["ETag"] for t in ("costs", "stats") for url in urls}
        assert len(tags) == 8

    def test_an_unknown_range_is_refused_here_too(self, signed_in: Client) -> None:
        assert poll(signed_in, "stats", "/?range=2d").status_code == 400
