import re
from html import escape, unescape

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.http import QueryDict
from django.test import Client

from costs.totals import CACHE_FIELDS
from monitor.spend.address import SpendAddress
from monitor.spend.page import SpendPage
from tests.monitor.cast import NOW, text
from tests.monitor.spend.cast import (
    MINUTE,
    download,
    html,
    leads,
    page,
    permitted,
    poll,
    spent,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]


class TestLinks:
    def test_staff_who_may_find_the_records_in_the_administration(self, client: Client) -> None:
        clerk = permitted(client, "view_costrecord", staff=True)
        spent(1, request_type="code", source="bot")
        spent(2, user_id="bob")
        told = html(clerk, "/costs/?range=7d&user=ada&model=opus&type=code&source=bot")
        url = "/admin/costs/costrecord/?period=7d&q=ada&model=opus&request_type=code&source=bot"
        assert url.replace("&", "&amp;") in told
        assert "1 cost record" in text(html(clerk, url))

    @pytest.mark.parametrize("staff", [True, False])
    def test_others_find_them_on_the_page_of_that_alone(self, client: Client, staff: bool) -> None:
        someone = permitted(client, *[] if staff else ["view_costrecord"], staff=staff)
        spent(1)
        told = html(someone)
        assert "/admin/costs" not in told
        assert re.search(r'href="/costs/\?range=30d&amp;model=opus"><data value="1"', told)
        told = html(someone, "/costs/?model=opus")
        csv_url = "/costs/records.csv?range=30d&amp;model=opus"
        assert re.search(rf'href="{re.escape(csv_url)}"><data value="1"', told)

    def test_a_figure_equals_the_records_that_it_leads_to(self, client: Client) -> None:
        clerk = permitted(client, "view_costrecord", staff=True)
        for n in range(4):
            spent(n, model=f"m{n % 2}", user_id=f"u{n}", request_type="code" if n else "")
        pages = SpendPage(SpendAddress.parse({}, NOW), User.objects.get(), MINUTE)
        lines = [*pages.by_model, *pages.by_type, *(user.line for user in pages.by_user)]
        assert len(lines) == 2 + 2 + 4
        for line in lines:
            count = line.row.totals.requests
            assert f"{count} cost record" in text(html(clerk, line.records))

    def test_the_change_leads_to_the_page_over_the_range_before(self, signed_in: Client) -> None:
        spent(3)
        spent(2, hours=24 * 7 + 1)
        spent(9, hours=24 * 14 + 1)
        before = leads(html(signed_in, "/costs/?range=7d&user=ada"), "more than the 7 days before")
        assert before == ("/costs/?range=2026-03-15T12%3A34Z..2026-03-22T12%3A34Z&user=ada")
        told = html(signed_in, before)
        assert "$2.00 from 2026-03-15 12:34 UTC to 2026-03-22 12:34 UTC" in text(told)
        assert "less than the range before" in text(told)
        assert "$9.00" in html(signed_in, leads(told, "less than the range before"))

    def test_the_projection_leads_to_the_month_on_which_it_rests(self, signed_in: Client) -> None:
        spent(3)
        told = html(signed_in, "/costs/?range=24h&user=ada")
        month = leads(told, "the month so far, on which it rests")
        assert month == page(range="24h", user="ada").month_url
        assert "$3.00 from 2026-03-01 00:00 UTC" in text(html(signed_in, month))

    def test_the_totals_below_the_chart_lead_to_their_model_and_all_records(
        self, signed_in: Client
    ) -> None:
        for n in range(9):
            spent(10 - n, model=f"m{n}")
        told = poll(signed_in, "spend-chart").content.decode().partition("<tfoot>")[2]
        hrefs = [unescape(href) for href in re.findall('<a href="([^"]*)"', told)]
        models = [f"/costs/?range=30d&model=m{n}" for n in range(7)]  # and none of all others
        assert hrefs == [*models, "/costs/records.csv?range=30d"]

    @pytest.mark.parametrize("place", [0, 1])
    def test_a_meter_leads_to_all_that_counts_against_it(
        self, signed_in: Client, place: int
    ) -> None:
        for hours, model in ((1, "opus"), (1, "haiku"), (13, "opus"), (24 * 40, "opus")):
            spent(1, hours=hours, model=model)
        spent(9, user_id="bob")
        (user,) = page(range="24h", model="opus", user="ada").by_user
        gauge = user.gauges[place]
        address = SpendAddress.parse(QueryDict(gauge.url.partition("?")[2]), NOW)
        shown = SpendPage(address, AnonymousUser(), MINUTE)
        assert shown.totals.cost_nano == gauge.meter.spent_nano == (2 + place) * 10**9
        assert escape(gauge.url) in html(signed_in, "/costs/?range=24h&model=opus")


class TestSavings:
    """The records with tokens of the cache, and no others, are where its savings lead."""

    LABEL = "the records with tokens of the cache"

    @pytest.fixture
    def kinds(self) -> list[str]:
        spent()
        for n, field in enumerate(CACHE_FIELDS):
            spent(hours=n + 1, model="claude-haiku-4-5", **{field: 1_000_000})
            spent(hours=50, model="claude-haiku-4-5", **{field: 1_000_000})
        return list(CACHE_FIELDS)

    @pytest.mark.parametrize("query", ["range=24h", "range=24h&model=claude-haiku-4-5"])
    def test_in_the_administration_for_those_who_may(
        self, client: Client, kinds: list[str], query: str
    ) -> None:
        clerk = permitted(client, "view_costrecord", staff=True)
        url = leads(html(clerk, f"/costs/?{query}"), self.LABEL)
        assert url.startswith("/admin/costs/costrecord/")
        assert f"{len(kinds)} cost records" in text(html(clerk, url))

    @pytest.mark.parametrize("query", ["range=24h", "range=2026-03-29T00:00Z..2026-03-30T00:00Z"])
    def test_in_a_csv_for_others(self, signed_in: Client, kinds: list[str], query: str) -> None:
        url = leads(html(signed_in, f"/costs/?{query}"), self.LABEL)
        rows = download(signed_in, url.removeprefix("/costs/records.csv"))
        assert [[row[field] for field in kinds] for row in rows] == [
            ["1000000", "0", "0"],
            ["0", "1000000", "0"],
            ["0", "0", "1000000"],
        ]

    def test_of_all_time_as_well(self, client: Client, kinds: list[str]) -> None:
        clerk = permitted(client, "view_costrecord", staff=True)
        url = leads(html(clerk, "/costs/?range=all"), self.LABEL)
        assert f"{2 * len(kinds)} cost records" in text(html(clerk, url))

    def test_where_nothing_was_cached_there_is_nothing_to_look_at(self, signed_in: Client) -> None:
        spent()
        told = html(signed_in)
        assert "Saved by the cache $0.00" in text(told)
        assert self.LABEL not in told
