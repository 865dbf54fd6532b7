import re
from datetime import UTC, datetime
from hashlib import sha512
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as site_settings
from django.test import Client
from django.utils import timezone

from monitor.spend.chart import Cost
from tests.monitor.cast import text
from tests.monitor.spend.cast import html, page, poll, spent

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]
ROOT = Path(__file__).parents[3]


class TestChart:
    def test_it_adds_up_to_the_headline(self) -> None:
        for hours in (1, 30, 200, 500, 700, 900):
            spent(hours, hours=hours, model=f"m{hours % 4}")
        for label in ("24h", "7d", "30d", "all"):
            shown = page(range=label)
            columns = sum(cost.nano for cost in shown.chart.totals)
            assert shown.chart.total == columns == shown.totals.cost_nano > 0

    def test_the_bars_are_hours_quarters_days_and_longer(self) -> None:
        spent(1, hours=24 * 60)
        spent(1)
        counts = {label: len(page(range=label).chart.bars) for label in ("24h", "7d", "30d", "all")}
        assert counts == {"24h": 25, "7d": 29, "30d": 31, "all": 9}
        words = [page(range=label).chart.step.words for label in counts]
        assert words == ["hour", "6 hours", "day", "week"]

    def test_what_has_no_colour_of_its_own_is_one_more(self) -> None:
        for n in range(9):
            spent(10 - n, model=f"m{n}")
        chart = page().chart
        assert chart.models == [*(f"m{n}" for n in range(7)), "other"]
        assert chart.totals[-1] == Cost((3 + 2) * 10**9, "")

    def test_eight_models_have_each_their_own(self) -> None:
        for n in range(8):
            spent(10 - n, model=f"m{n}")
        assert page().chart.models == [f"m{n}" for n in range(8)]

    def test_days_are_those_of_the_setting(self, settings: Any) -> None:
        settings.TIME_ZONE = "Pacific/Auckland"
        timezone.get_default_timezone.cache_clear()
        try:
            at = datetime(2026, 3, 27, 11, 30, tzinfo=UTC)  # the 28th there
            spent(1, timestamp=at)
            chart = page().chart
        finally:
            settings.TIME_ZONE = "UTC"
            timezone.get_default_timezone.cache_clear()
        assert [bar.label for bar in chart.bars if bar.total] == ["Mar 28"]
        assert chart.zone == "Pacific/Auckland"

    def test_what_is_dated_far_off_makes_no_endless_chart(self, signed_in: Client) -> None:
        spent(1, timestamp=datetime(1970, 1, 1, tzinfo=UTC))
        spent(1, timestamp=datetime(9998, 12, 31, tzinfo=UTC))
        assert page(range="all").chart.step.words == "century"
        assert len(page(range="all").chart.bars) < 125
        html(signed_in, "/costs/?range=all")

    def test_its_table_names_what_is_in_it(self, signed_in: Client) -> None:
        spent("1.25", model="<b>")
        told = poll(signed_in, "spend-chart", "/costs/?range=24h").content.decode()
        head = re.findall(r"<th scope=\"col\"[^>]*>(.*?)</th>", told)
        assert [text(cell) for cell in head] == ["Hour", "<b>", "Total"]
        assert "Mar 29, 11:00 $1.25 $1.25" in text(told)


class TestVendoredFiles:
    def test_they_are_what_their_list_says(self) -> None:
        folder = ROOT / "static" / "vendor"
        rows = re.findall(
            r"^\| `(\S+)` .* `([0-9a-f]{128})` \|$", (folder / "README.md").read_text(), re.M
        )
        files = {path.name for path in folder.iterdir()} - {"README.md"}
        assert {name for name, _ in rows} == files
        for name, digest in rows:
            assert sha512((folder / name).read_bytes()).hexdigest() == digest


def test_no_colour_is_missing() -> None:
    sheet = (site_settings.BASE_DIR / "static" / "css" / "chart.css").read_text()
    assert {f".k{n} {{" in sheet for n in range(1, 9)} == {True}
