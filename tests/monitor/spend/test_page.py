import re

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from tests.monitor.cast import VERSION, text
from tests.monitor.spend.cast import filled, html, permitted, prune, spent

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]


class TestPage:
    def test_it_asks_for_a_sign_in(self, client: Client) -> None:
        assert client.get("/costs/").headers["Location"] == "/login/?next=/costs/"

    def test_it_may_only_be_read(self, signed_in: Client) -> None:
        assert signed_in.post("/costs/").status_code == 405

    @pytest.mark.parametrize("label", ["24h", "7d", "30d", "all"])
    def test_the_ranges_keep_the_filters(self, signed_in: Client, label: str) -> None:
        spent()
        told = html(signed_in, "/costs/?range=7d&user=ada")
        assert f'href="/costs/?range={label}&amp;user=ada"' in told
        assert '7d&amp;user=ada" aria-current="page"' in told

    def test_the_filters_offer_what_there_is(self, signed_in: Client) -> None:
        spent(1, model="haiku", request_type="code", source="bot")
        spent(2, user_id="bob", model="")
        told = html(signed_in, "/costs/?user=ada")
        for value in ("ada", "bob", "bot", "api"):
            assert f'<option value="{value}">' in told
        for value in ("haiku", "(none)", "code", "chat"):
            assert f"<option>{value}</option>" in told

    def test_a_filter_in_force_is_offered_though_nothing_has_it(self, signed_in: Client) -> None:
        assert "<option selected>gone</option>" in html(signed_in, "/costs/?model=gone")

    def test_an_empty_ledger_shows_the_first_steps(self, signed_in: Client) -> None:
        told = html(signed_in)
        assert "import_usage PATH" in told
        assert "$0.00" not in told

    def test_a_range_without_requests_says_so(self, signed_in: Client) -> None:
        spent(1, hours=30)
        told = html(signed_in, "/costs/?range=24h")
        assert "No requests in the last 24 hours." in told
        assert 'href="/costs/?range=all"' in told
        assert 'id="spend-chart" class="card" aria-labelledby="spend-chart-title" hidden' in told

    def test_filters_that_nothing_passes_say_so(self, signed_in: Client) -> None:
        spent()
        told = text(html(signed_in, "/costs/?user=nobody"))
        assert "Nothing was spent in the last 30 days under these filters." in told
        assert "Show it without filters" in told

    def test_pruned_records_are_said(self, signed_in: Client) -> None:
        spent(1)
        spent(2, hours=100)
        assert "are pruned" not in text(html(signed_in))
        prune(50)
        told = text(html(signed_in))
        assert "Records before 2026-03-27 10:00 UTC are pruned: the CSV and the lists by" in told
        assert "$3.00 in the last 30 days" in told
        told = text(html(signed_in, "/costs/?source=api"))
        assert "all figures, and the CSV, begin there" in told
        assert "$1.00 in the last 30 days" in told
        assert "are pruned" not in text(html(signed_in, "/costs/?range=24h"))

    def test_a_window_widened_by_pruning_says_so(self, signed_in: Client) -> None:
        spent(1, hours=24 * 6)
        prune(1)
        told = text(html(signed_in, "/costs/?range=7d"))
        assert "The figures begin on a whole hour, at 2026-03-22 12:00 UTC" in told

    def test_nothing_in_it_is_inline(self, client: Client) -> None:
        clerk = permitted(client, "view_costrecord", "change_spendinglimit", staff=True)
        spent(session_key="s1")
        told = html(clerk, "/costs/?user=ada&model=opus")
        assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)", told)

    @pytest.mark.parametrize("rows", [1, 30])
    @pytest.mark.parametrize(
        ("query", "queries"), [("", 48), ("?user=u0", 46), ("?range=all", 48), ("?source=api", 49)]
    )
    def test_its_queries_do_not_grow_with_the_data(
        self,
        signed_in: Client,
        rows: int,
        query: str,
        queries: int,
        django_assert_num_queries: DjangoAssertNumQueries,
    ) -> None:
        filled(rows)
        with django_assert_num_queries(queries + VERSION):
            html(signed_in, f"/costs/{query}")
