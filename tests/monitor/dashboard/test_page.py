"""The dashboard as a page."""

from datetime import timedelta
from decimal import Decimal
from html import unescape
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from model_bakery import baker
from pytest_django import DjangoAssertNumQueries

from costs import ledger
from tasks.models import Status, Task
from tests.monitor.dashboard.cast import NOW, record, work

LABELS = [
    "Errors",
    "Total Tasks",
    "Success Rate",
    "API Cost",
    "API Requests",
    "Tool Calls",
    "Code Sessions",
]
PAGE_QUERIES = 30


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
