from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from tests.monitor.cast import VERSION
from tests.monitor.spend.cast import MINUTE, PARTS, filled, html, poll, spent

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]


class TestFragment:
    @pytest.mark.parametrize("target", ["spend", *PARTS])
    def test_it_stands_word_for_word_in_the_page(self, signed_in: Client, target: str) -> None:
        filled(2)
        response = poll(signed_in, target)
        told = response.content.decode().strip()
        assert f'id="{target}"' in told.partition(">")[0]
        assert "csrf" not in told
        assert told in html(signed_in)

    @pytest.mark.parametrize("target", PARTS)
    def test_nothing_new_is_not_modified(
        self, signed_in: Client, target: str, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        spent()
        tag = poll(signed_in, target).headers["ETag"]
        with django_assert_num_queries(2 + VERSION):  # session and user
            response = poll(signed_in, target, **{"If-None-Match": tag})
        assert (response.status_code, response.content) == (304, b"")

    @pytest.mark.django_db(transaction=True)  # of commits alone there is news
    def test_news_make_a_new_tag(self, signed_in: Client) -> None:
        tag = poll(signed_in, "spend-chart").headers["ETag"]
        spent()
        assert poll(signed_in, "spend-chart", **{"If-None-Match": tag}).status_code == 200

    def test_within_a_minute_the_text_is_the_same(self, signed_in: Client, clock: Any) -> None:
        filled(2)
        for target in PARTS:
            clock.move_to(MINUTE)
            first = poll(signed_in, target).content
            clock.move_to(MINUTE + timedelta(seconds=59, microseconds=999_999))
            assert poll(signed_in, target).content == first

    @pytest.mark.parametrize("minutes", [1, 20])
    def test_the_chart_stays_as_it_is_while_time_goes_by(
        self, signed_in: Client, clock: Any, minutes: int
    ) -> None:
        spent(hours=30)
        before = poll(signed_in, "spend-chart").content
        clock.shift(timedelta(minutes=minutes))
        assert poll(signed_in, "spend-chart").content == before

    def test_the_form_puts_a_plain_address_into_the_bar(self, signed_in: Client) -> None:
        spent()
        asked = "/costs/?range=7d&user=ada&model=&type=&source="
        response = poll(signed_in, "spend", asked, **{"HX-Trigger": "spend-filters"})
        assert response.headers["HX-Push-Url"] == "/costs/?range=7d&user=ada"
        assert "HX-Push-Url" not in poll(signed_in, "spend-chart", asked).headers

    @pytest.mark.parametrize("rows", [1, 30])
    @pytest.mark.parametrize(
        ("target", "queries"), [("spend-figures", 24), ("spend-chart", 9), ("spend-panels", 24)]
    )
    def test_it_asks_no_more_than_it_shows(
        self,
        signed_in: Client,
        rows: int,
        target: str,
        queries: int,
        django_assert_num_queries: DjangoAssertNumQueries,
    ) -> None:
        filled(rows)
        with django_assert_num_queries(queries + VERSION):
            poll(signed_in, target)
