"""A part of the dashboard alone, and when there is news of it."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from tasks.models import Task
from tests.monitor.dashboard.cast import NOW, poll, record, work

PARTS = ["work", "tools", "costs", "stats"]
QUERIES = {"work": 9, "tools": 4, "costs": 13, "stats": 10}  # session and user are two of each


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
