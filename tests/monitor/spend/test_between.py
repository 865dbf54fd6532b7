"""The spend page over a range of its own: every figure of the chart leads to its records."""

import re
from datetime import UTC, datetime, timedelta
from html import unescape

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from costs.windows import EPOCH
from monitor.spend.address import SpendAddress
from monitor.spend.between import Between
from tests.monitor.cast import NOW, text
from tests.monitor.spend.cast import download, html, page, spent

DAY = "2026-03-28T00:00Z..2026-03-29T00:00Z"
minutes = st.integers(0, 60 * 24 * 365 * 100).map(lambda n: EPOCH + timedelta(minutes=n))


class TestBetween:
    @given(minutes, minutes)
    def test_it_says_itself_again(self, one: datetime, other: datetime) -> None:
        if one != other:
            shown = Between.of(*sorted((one, other)))
            assert Between.read(shown.label) == shown

    @pytest.mark.parametrize(
        "text",
        [
            "..",
            "2026-03-28T00:00Z..",
            "2026-03-28T00:00Z..2026-03-28T00:00Z",
            "2026-03-29T00:00Z..2026-03-28T00:00Z",
            "1969-12-31T00:00Z..2026-03-28T00:00Z",
            "2026-03-28..2026-03-29",
            "2026-03-28T00:00Z..2026-03-29T00:00Z..2026-03-30T00:00Z",
        ],
    )
    def test_what_is_none_is_refused_in_words(self, signed_in: Client, text: str) -> None:
        response = signed_in.get("/costs/", {"range": text})
        assert response.status_code == 400
        assert f"There is no range “{text[:40]}”" in unescape(response.content.decode())

    def test_the_one_before_is_as_long(self) -> None:
        before = Between.read(DAY).previous()
        assert before
        assert before.label == "2026-03-27T00:00Z..2026-03-28T00:00Z"

    def test_nothing_is_before_the_epoch(self) -> None:
        assert Between.of(EPOCH, datetime(2026, 1, 1, tzinfo=UTC)).previous() is None


@pytest.mark.usefixtures("db", "clock")
class TestPage:
    def test_it_holds_the_beginning_and_not_the_end(self, signed_in: Client) -> None:
        for dollars, at in ((1, 27), (2, 28), (4, 29)):
            spent(dollars, timestamp=datetime(2026, 3, at, tzinfo=UTC))
        shown = html(signed_in, f"/costs/?range={DAY}")
        assert "$2.00 from 2026-03-28 00:00 UTC to 2026-03-29 00:00 UTC" in text(shown)
        assert "100.0% more than the range before" in text(shown)
        assert [row["cost"] for row in download(signed_in, f"?range={DAY}")] == ["2.000000000"]

    def test_every_figure_of_the_chart_leads_to_a_page_of_that_figure(
        self, signed_in: Client
    ) -> None:
        for n in range(12):
            spent(n + 1, hours=20 * n, model=f"m{n % 3}", user_id="ada" if n % 2 else "bob")
        found = 0
        for label in ("24h", "7d", "30d", "all"):
            chart = html(signed_in, f"/costs/?range={label}&user=ada").split("<tbody")[1]
            rows = r'<a href="([^"]*)"><data value="([^"]*)"'
            for url, dollars in re.findall(rows, chart.split("</tbody>")[0]):
                query = dict(part.split("=") for part in unescape(url).split("?")[1].split("&"))
                linked = page(**{k: v.replace("%3A", ":") for k, v in query.items()})
                assert linked.totals.cost == pytest.approx(float(dollars), abs=0)
                assert linked.address.only.user_id == "ada"
                found += 1
        assert found > 20

    def test_a_day_is_shown_by_the_hour(self) -> None:
        spent(1, timestamp=datetime(2026, 3, 28, 5, tzinfo=UTC))
        chart = page(range=DAY).chart
        assert (chart.step.words, len(chart.bars)) == ("hour", 24)

    def test_an_empty_one_says_so(self, signed_in: Client) -> None:
        spent(1)
        shown = text(html(signed_in, "/costs/?range=2020-01-01T00:00Z..2020-01-02T00:00Z"))
        assert "No requests in this range." in shown

    def test_filters_and_ranges_keep_one_another(self) -> None:
        address = SpendAddress.parse({"range": DAY, "user": "ada"}, NOW)
        assert "user=ada" in address.over("7d")
        assert address.chips[0].url == f"/costs/?range={DAY.replace(':', '%3A')}"

    def test_the_month_so_far_has_a_page(self) -> None:
        spent(3, timestamp=datetime(2026, 3, 1, tzinfo=UTC))
        spent(5, timestamp=datetime(2026, 2, 28, 23, 59, tzinfo=UTC))
        label = page().month_url.split("range=")[1].replace("%3A", ":")
        assert page(range=label).totals.cost == page().projection.spent_nano / 10**9 == 3
