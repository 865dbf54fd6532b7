import csv
import io
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from hashlib import sha512
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.conf import settings as site_settings
from django.contrib.admin.models import ADDITION, CHANGE, LogEntry
from django.contrib.auth.models import AnonymousUser, Permission, User
from django.http import QueryDict
from django.test import Client
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pytest_django import DjangoAssertNumQueries

from costs import ledger
from costs.limits import set_user_limits
from costs.models import ROLLUPS, CostRecord, LedgerState, SpendingLimit
from costs.money import from_nano
from costs.usage import Usage
from monitor.spend.address import MODEL, USER, SpendAddress
from monitor.spend.edges import DAY, HOUR, MONTH, QUARTER, WEEK, starts, step_of
from monitor.spend.page import SpendPage
from sessions.recording import record as record_events
from tests.emptying import empty
from tests.monitor.cast import HOSTILE, NOW, VERSION, called, task

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]

ROOT = Path(__file__).parents[2]
MINUTE = NOW.replace(second=0, microsecond=0)
PARTS = ["spend-figures", "spend-chart", "spend-panels"]
LIMITS = "/costs/limits/"
BERLIN = ZoneInfo("Europe/Berlin")


@pytest.fixture
def clock() -> Iterator[Any]:
    with time_machine.travel(NOW, tick=False) as clock:
        yield clock


def spent(dollars: Any = 1, hours: float = 1, **fields: Any) -> None:
    told = {"user_id": "ada", "model": "opus", "input_tokens": 10, "output_tokens": 1}
    told |= {"cost": Decimal(dollars), "timestamp": NOW - timedelta(hours=hours)} | fields
    ledger.record_many([Usage(**told)])


def prune(hours: float) -> None:
    for _ in ledger.prune(NOW - timedelta(hours=hours)):
        pass


def page(**asked: str) -> SpendPage:
    address = SpendAddress.parse(asked, NOW)
    return SpendPage(address, AnonymousUser(), MINUTE)


def html(client: Client, url: str = "/costs/", **headers: str) -> str:
    response = client.get(url, headers=headers)
    assert response.status_code == 200, response.content
    return str(response.content.decode())


def text(fragment: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", fragment)).split())


def poll(client: Client, target: str, url: str = "/costs/", **headers: str) -> Any:
    return client.get(url, headers={"HX-Request": "true", "HX-Target": target} | headers)


def download(client: Client, query: str = "") -> list[dict[str, str]]:
    sent = client.get(f"/costs/records.csv{query}").getvalue().decode()
    return list(csv.DictReader(io.StringIO(sent, newline="")))


def permitted(client: Client, *names: str, staff: bool = False) -> Client:
    person = User.objects.create_user("clerk", is_staff=staff)
    person.user_permissions.set(Permission.objects.filter(codename__in=names))
    client.force_login(person)
    return client


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


class TestAddress:
    def test_it_shows_thirty_days_of_everything_unless_told(self) -> None:
        address = SpendAddress.parse({}, NOW)
        assert str(address) == "/costs/?range=30d"
        assert not address.is_filtered

    def test_it_says_itself_again(self) -> None:
        query = "range=7d&user=a+b&model=%28none%29&type=chat&source=api"
        asked = {"range": "7d", "user": "a b", "model": "(none)", "type": "chat", "source": "api"}
        assert str(SpendAddress.parse(asked, NOW)) == f"/costs/?{query}"

    @pytest.mark.parametrize("name", ["user", "model", "type", "source"])
    def test_every_filter_is_taken_off_by_its_chip(self, name: str) -> None:
        (chip,) = SpendAddress.parse({name: "x"}, NOW).chips
        assert (chip.name, chip.text, chip.url) == (name, "x", "/costs/?range=30d")

    def test_an_empty_field_asks_for_nothing(self) -> None:
        asked = {"user": "", "model": "", "type": "", "source": ""}
        assert not SpendAddress.parse(asked, NOW).is_filtered

    @pytest.mark.parametrize(
        "asked",
        [
            {"range": "2d"},
            {"user": "x" * 65},
            {"model": "x" * 101},
            {"type": "\0"},
            {"source": "\0"},
        ],
    )
    def test_nonsense_is_refused_in_one_line(
        self, signed_in: Client, asked: dict[str, str]
    ) -> None:
        for url in ["/costs/", "/costs/records.csv"]:
            response = signed_in.get(url, asked)
            assert response.status_code == 400
            assert "There is no" in response.content.decode()

    @given(st.text(max_size=64).filter(lambda text: "\0" not in text and text.isprintable()))
    def test_any_name_comes_back(self, name: str) -> None:
        address = SpendAddress.parse({}, NOW).with_only(USER, name or None)
        again = SpendAddress.parse(QueryDict(address.query[1:]), NOW)
        assert again == address

    def test_a_model_without_a_name_is_not_every_model(self) -> None:
        address = SpendAddress.parse({}, NOW).with_only(MODEL, "")
        assert SpendAddress.parse({"model": "(none)"}, NOW) == address
        assert address.only.model == ""


class TestEdges:
    def cut(self, first: datetime, end: datetime, step: Any, zone: Any = BERLIN) -> list[str]:
        found = list(starts(first, end, step, zone))
        assert found == sorted(set(found))
        return [f"{at.astimezone(zone):%Y-%m-%d %H:%M}" for at in found]

    def test_days_begin_at_midnight_of_the_zone(self) -> None:
        first = datetime(2026, 3, 28, 5, tzinfo=UTC)
        days = self.cut(first, first + timedelta(days=2), DAY)
        assert days == ["2026-03-28 00:00", "2026-03-29 00:00", "2026-03-30 00:00"]

    def test_an_hour_that_comes_twice_is_two_bars(self) -> None:
        first = datetime(2026, 10, 24, 23, 30, tzinfo=UTC)
        hours = self.cut(first, first + timedelta(hours=3), HOUR)
        assert [at[-5:] for at in hours] == ["01:00", "02:00", "02:00", "03:00"]

    def test_quarters_of_a_day_stay_on_the_clock_when_it_is_changed(self) -> None:
        first = datetime(2026, 3, 28, 22, tzinfo=UTC)
        quarters = self.cut(first, first + timedelta(hours=13), QUARTER)
        assert [at[-5:] for at in quarters] == ["18:00", "00:00", "06:00", "12:00"]

    def test_hours_of_a_zone_off_the_hour(self) -> None:
        first = datetime(2026, 3, 28, 5, 45, tzinfo=UTC)
        hours = self.cut(first, first + timedelta(hours=1), HOUR, ZoneInfo("Asia/Kolkata"))
        assert [at[-5:] for at in hours] == ["11:00", "12:00"]

    def test_weeks_begin_on_monday_and_months_on_the_first(self) -> None:
        first, end = datetime(2026, 3, 29, 12, tzinfo=UTC), datetime(2026, 4, 2, tzinfo=UTC)
        assert self.cut(first, end, WEEK) == ["2026-03-23 00:00", "2026-03-30 00:00"]
        assert self.cut(first, end, MONTH) == ["2026-03-01 00:00", "2026-04-01 00:00"]

    @given(
        st.datetimes(datetime(1970, 1, 1), datetime(9998, 12, 31), timezones=st.just(UTC)),
        st.datetimes(datetime(1970, 1, 1), datetime(9998, 12, 31), timezones=st.just(UTC)),
        st.sampled_from([UTC, BERLIN, ZoneInfo("Pacific/Auckland"), ZoneInfo("America/New_York")]),
    )
    def test_the_bars_of_all_time_hold_it_and_are_not_many(
        self, one: datetime, other: datetime, zone: Any
    ) -> None:
        first, last = sorted((one, other))
        step = step_of("all", first, last)
        found = list(starts(first, last + timedelta(microseconds=1), step, zone))
        assert found == sorted(set(found))
        assert found[0] <= first
        assert 1 <= len(found) <= 125


class TestFigures:
    def test_they_follow_the_range_and_the_filter(self) -> None:
        spent(1)
        spent(2, model="haiku", request_type="code")
        spent(4, user_id="bob", source="bot")
        spent(8, hours=24 * 8)
        assert page(range="24h").totals.cost == 7
        assert page().totals.cost == 15
        assert page(model="haiku").totals.cost == 2
        assert page(user="bob").totals.cost == 4
        assert page(type="chat", user="ada").totals.cost == 9
        assert page(source="bot").totals.cost == 4

    def test_the_trend_is_that_of_the_same_filter(self) -> None:
        spent(3)
        spent(2, hours=25)
        spent(9, hours=25, user_id="bob")
        assert page(range="24h", user="ada").trend == 0.5
        assert page(range="24h", source="api").trend == pytest.approx(-8 / 11)
        assert page(range="all").trend is None

    def test_there_is_no_trend_against_what_is_pruned(self) -> None:
        spent(3)
        spent(2, hours=25)
        prune(12)
        assert page(range="24h").trend == 0.5
        assert page(range="24h", source="api").trend is None

    def test_the_projection_is_of_the_month_whatever_the_range(self) -> None:
        spent(7)
        assert page(range="24h").projection == page(range="all").projection
        assert page().projection.spent_nano == 7 * 10**9

    def test_the_minute_under_way_counts_in_the_projection(self) -> None:
        spent(7, hours=0)
        assert page().projection.spent_nano == page(range="24h").totals.cost_nano == 7 * 10**9

    def test_a_cache_that_costs_more_than_it_saves_says_so(self, signed_in: Client) -> None:
        fields = {"model": "claude-haiku-4-5", "cache_write_5m_tokens": 4_000_000}
        spent(1, **fields)
        told = text(html(signed_in))
        assert "Lost by the cache $1.00" in told

    def test_unpriced_models_are_named(self, signed_in: Client) -> None:
        spent(cost=None, model="mystery-1")
        assert "No price is known for mystery-1 (1 request)" in text(html(signed_in))


class TestChart:
    def test_it_adds_up_to_the_headline(self) -> None:
        for hours in (1, 30, 200, 500, 700, 900):
            spent(hours, hours=hours, model=f"m{hours % 4}")
        for label in ("24h", "7d", "30d", "all"):
            shown = page(range=label)
            assert shown.chart.total == sum(shown.chart.totals) == shown.totals.cost_nano > 0

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
        assert chart.totals[-1] == (3 + 2) * 10**9

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


class TestPanels:
    def test_what_is_left_over_is_one_row_without_a_link(self, signed_in: Client) -> None:
        for n in range(23):
            spent(n + 1, model=f"m{n:02}")
        lines = page().by_model
        assert (lines[-1].label, lines[-1].url, lines[-1].records) == ("3 more", "", "")
        assert sum(line.row.totals.cost for line in lines) == page().totals.cost
        assert sum(line.row.share for line in lines) == pytest.approx(1)

    def test_what_has_no_name_is_said_and_found(self, signed_in: Client) -> None:
        spent(2, model="", request_type="")
        assert [line.label for line in page().by_model] == ["no model known"]
        (line,) = page().by_type
        assert line.label == "no type known"
        assert "$2.00" in html(signed_in, line.url)

    def test_users_stand_with_their_limits(self, signed_in: Client) -> None:
        spent(8)
        spent(3, user_id="bob")
        set_user_limits("ada", daily=10, monthly=8, display_name="Ada L.")
        set_user_limits("idle", daily=5)
        told = text(html(signed_in))
        assert "ada Ada L. $8.00 72.7%, 1 request" in told
        assert "Today $8.00 of $10.00 : 80.0%, near the limit" in told
        assert "This month $8.00 of $8.00 : limit reached" in told
        assert "bob $3.00 27.3%, 1 request Today $3.00 , no limit" in told
        assert "idle $0.00 0.0%, 0 requests Today $0.00 of $5.00" in told

    def test_the_meters_are_of_today_whatever_the_range_and_filter(self) -> None:
        spent(4)
        spent(4, hours=13)  # yesterday
        spent(4, model="haiku")
        (user,) = page(range="all", model="haiku").by_user
        assert [gauge.meter.spent_nano for gauge in user.gauges] == [8 * 10**9, 12 * 10**9]

    @pytest.mark.parametrize(
        ("limit", "state", "width"), [(None, "calm", 0), (11, "calm", 72), (10, "near", 80)]
    )
    def test_a_meter_is_as_full_as_its_limit(self, limit: Any, state: str, width: int) -> None:
        spent(8)
        set_user_limits("ada", daily=limit)
        (user,) = page().by_user
        assert (user.gauges[0].state, user.gauges[0].width) == (state, width)

    @pytest.mark.parametrize("limit", [8, 1, 0])
    def test_a_limit_that_is_reached_is_a_full_meter(self, limit: int) -> None:
        spent(8)
        set_user_limits("ada", daily=limit)
        (user,) = page().by_user
        assert (user.gauges[0].state, user.gauges[0].width) == ("reached", 100)

    def test_sessions_lead_to_themselves_and_their_task(self, signed_in: Client) -> None:
        task("t1", description="Mend the roof\nand the door")
        record_events([called(1, title="First look"), called(2, session_key="s2", task_id="")])
        for n in (1, 2, 3):
            spent(n, session_key=f"s{n}")
        spent(5)
        first, second, third = page().by_session
        assert (first.key, first.title, first.url, first.task_url) == ("s3", "", "", "")
        assert (second.url, second.task_url) == ("/sessions/s2/", "")
        assert (third.url, third.task, third.task_url) == (
            "/sessions/s1/",
            "Mend the roof",
            "/tasks/t1/",
        )
        assert page().elsewhere == 5 * 10**9
        told = text(html(signed_in))
        assert "s3 never reported – $3.00" in told
        assert "$5.00 went to requests in none of these sessions." in told

    @pytest.mark.parametrize("name", HOSTILE)
    def test_hostile_names_are_only_text_and_lead_to_their_records(
        self, signed_in: Client, name: str
    ) -> None:
        fields = {"user_id": name, "model": name, "request_type": name[:32], "source": name}
        spent(3, session_key=name, **fields)
        told = html(signed_in)
        assert "<script>alert" not in told
        assert "<img src=x" not in told
        (line,) = page().by_model
        assert "$3.00" in html(signed_in, line.url)
        query = urlencode({"user": name, "model": name, "source": name, "type": name[:32]})
        assert "$3.00" in html(signed_in, f"/costs/?{query}")
        assert len(download(signed_in, f"?{query}")) == 1


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
        ("query", "queries"), [("", 51), ("?user=u0", 60), ("?range=all", 51), ("?source=api", 60)]
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


def filled(rows: int) -> None:
    """Two of everything, at least, with names of their own."""
    for n in range(rows + 1):
        spent(n + 1, user_id=f"u{n}", model=f"m{n}", session_key=f"s{n}", request_type=f"t{n}")
        set_user_limits(f"u{n}", daily=n + 1)
        record_events([called(n, session_key=f"s{n}", task_id=f"t{n}")])
        spent(1, hours=24 * 35, user_id=f"u{n}", model=f"m{n}")


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
        ("target", "queries"), [("spend-figures", 24), ("spend-chart", 12), ("spend-panels", 27)]
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


class TestCsv:
    def test_it_asks_for_a_sign_in(self, client: Client) -> None:
        location = client.get("/costs/records.csv").headers["Location"]
        assert location == "/login/?next=/costs/records.csv"

    def test_it_holds_what_the_page_tells_of_to_the_last_decimal(self, signed_in: Client) -> None:
        spent("0.000000001", model="=1+1")
        spent("2.5", hours=2, user_id="bob")
        spent(9, hours=24 * 31)
        first, second = download(signed_in)
        assert (first["model"], first["cost"]) == ("'=1+1", "0.000000001")
        assert second["cost"] == "2.500000000"
        (only,) = download(signed_in, "?user=bob&range=7d")
        assert only["user_id"] == "bob"

    def test_it_ends_where_records_are_pruned(self, signed_in: Client) -> None:
        spent(1)
        spent(2, hours=100)
        prune(50)
        assert [row["cost"] for row in download(signed_in)] == ["1.000000000"]

    def test_it_is_sent_in_batches(
        self, signed_in: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("costs.export.BATCH", 2)
        for n in range(5):
            spent(n, hours=1 + n // 3)
        response = signed_in.get("/costs/records.csv")
        assert response.streaming
        assert response.headers["Content-Disposition"].startswith(
            'attachment; filename="costrecord-'
        )
        parts = [part.decode().count("\r\n") for part in response]
        assert parts == [1, 2, 2, 1]


users = st.sampled_from(["ada", "bob", "a&b=c"])
models = st.sampled_from(["opus", "haiku", "", "x y"])
types = st.sampled_from(["chat", "code", ""])
origins = st.sampled_from(["api", "bot"])
rows = st.builds(
    Usage,
    user_id=users,
    model=models,
    request_type=types,
    source=origins,
    session_key=st.sampled_from(["", "s1", "s2"]),
    input_tokens=st.integers(0, 10**6),
    output_tokens=st.integers(0, 10**6),
    cost=st.integers(0, 10**13).map(from_nano),
    timestamp=st.integers(0, 24 * 60 * 40).map(lambda minutes: NOW - timedelta(minutes=minutes)),
)
queries = st.fixed_dictionaries(
    {"range": st.sampled_from(["24h", "7d", "30d", "all"])},
    optional={"user": users, "model": models, "type": types, "source": origins},
)


def selected(told: list[Usage], query: dict[str, str]) -> list[Usage]:
    period = SpendAddress.parse(query, NOW).period
    names = {"user": "user_id", "model": "model", "type": "request_type", "source": "source"}
    given = {names[name]: value for name, value in query.items() if name != "range"}
    return [
        usage
        for usage in told
        if period.start <= (usage.timestamp or NOW) < period.end
        and all(getattr(usage, column) == value for column, value in given.items())
    ]


def in_address(query: dict[str, str]) -> dict[str, str]:
    return {name: value or "(none)" for name, value in query.items()}


class TestSums:
    @settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(st.lists(rows, max_size=12), st.lists(queries, min_size=1, max_size=3), st.booleans())
    def test_every_figure_and_the_csv_is_the_sum_over_its_records(
        self, signed_in: Client, told: list[Usage], asked: list[dict[str, str]], sealed: bool
    ) -> None:
        empty(CostRecord, *ROLLUPS, LedgerState)
        ledger.record_many(told)
        if sealed:
            ledger.seal(NOW - timedelta(days=5))
        for query in asked:
            inside = selected(told, query)
            cost = sum((usage.cost or Decimal(0) for usage in inside), Decimal(0))
            shown = page(**in_address(query))
            nano = int(cost * 10**9)
            assert shown.totals.cost == cost
            assert shown.totals.requests == len(inside)
            for lines in (shown.by_model, shown.by_type, [user.line for user in shown.by_user]):
                assert sum(line.row.totals.cost_nano for line in lines) == nano
            named = sum(each.row.totals.cost_nano for each in shown.by_session)
            assert named + shown.elsewhere == nano
            assert sum(u.cost or 0 for u in inside if not u.session_key) * 10**9 == shown.elsewhere
            if inside:
                assert shown.chart.total == sum(shown.chart.totals) == nano
            records = download(signed_in, f"?{urlencode(in_address(query))}")
            assert len(records) == len(inside)
            assert sum(Decimal(row["cost"]) for row in records) == cost


class TestLimit:
    @pytest.fixture
    def keeper(self, client: Client) -> Client:
        return permitted(client, "change_spendinglimit", "add_spendinglimit")

    def form(self, **fields: str) -> dict[str, str]:
        blank = {"display_name": "", "daily_limit_nano": "", "monthly_limit_nano": ""}
        return blank | fields

    def test_it_is_offered_to_those_who_may(self, client: Client) -> None:
        spent()
        spent(user_id="bob")
        set_user_limits("ada", daily=5)
        changer = permitted(client, "change_spendinglimit")
        told = html(changer)
        assert f'href="{LIMITS}?range=30d&amp;of=ada"' in told
        assert "of=bob" not in told  # has none yet, which takes the permission to add one

    def test_others_are_not_offered_it_nor_let_in(self, signed_in: Client) -> None:
        spent()
        set_user_limits("ada", daily=5)
        assert LIMITS not in html(signed_in)
        for method in (signed_in.get, signed_in.post):
            assert method(f"{LIMITS}?of=ada").status_code == 403
        assert SpendingLimit.objects.get().daily_limit_nano == 5 * 10**9

    def test_to_change_is_not_to_add(self, client: Client) -> None:
        changer = permitted(client, "change_spendinglimit")
        assert changer.post(f"{LIMITS}?of=new", self.form(daily_limit_nano="1")).status_code == 403
        assert not SpendingLimit.objects.exists()

    @pytest.mark.parametrize("query", ["", "?of=", f"?of={'x' * 65}", "?of=%00", "?of=a&range=x"])
    def test_it_says_what_is_missing(self, keeper: Client, query: str) -> None:
        assert keeper.get(f"{LIMITS}{query}").status_code == 400

    def test_the_form_shows_what_is_in_force(self, keeper: Client) -> None:
        set_user_limits("a&b", daily=Decimal("12.5"), display_name="A and B")
        told = html(keeper, f"{LIMITS}?of=a%26b")
        assert 'value="12.5"' in told
        assert 'value="A and B"' in told

    def test_it_is_saved_logged_and_shown_at_once(self, keeper: Client) -> None:
        spent(4)
        url = f"{LIMITS}?range=7d&model=opus&of=ada"
        response = keeper.post(url, self.form(daily_limit_nano="5", display_name="Ada"))
        assert response.headers["Location"] == "/costs/?range=7d&model=opus#users"
        told = text(html(keeper, response.headers["Location"].partition("#")[0]))
        assert "The limits of ada are saved." in told
        assert "Today $4.00 of $5.00 : 80.0%, near the limit" in told
        limit = SpendingLimit.objects.get()
        assert (limit.daily_limit_nano, limit.monthly_limit_nano) == (5 * 10**9, None)
        entry = LogEntry.objects.get()
        assert (entry.action_flag, entry.object_id) == (ADDITION, str(limit.pk))
        assert entry.get_edited_object() == limit

    def test_a_change_is_logged_with_what_changed(self, keeper: Client) -> None:
        set_user_limits("ada", daily=5, monthly=7)
        keeper.post(f"{LIMITS}?of=ada", self.form(daily_limit_nano="6", monthly_limit_nano="7"))
        entry = LogEntry.objects.get()
        assert entry.action_flag == CHANGE
        assert entry.get_change_message() == "Changed Daily limit."
        assert SpendingLimit.objects.get().monthly_limit_nano == 7 * 10**9

    def test_blank_is_unlimited_and_zero_allows_nothing(self, keeper: Client) -> None:
        set_user_limits("ada", daily=5, monthly=5)
        keeper.post(f"{LIMITS}?of=ada", self.form(monthly_limit_nano="0"))
        limit = SpendingLimit.objects.get()
        assert (limit.daily_limit_nano, limit.monthly_limit_nano) == (None, 0)

    @pytest.mark.parametrize("typed", ["-1", "ten", "1000001", "0.0000000001", "1e400"])
    def test_bad_input_is_said_in_place_and_kept(self, keeper: Client, typed: str) -> None:
        set_user_limits("ada", daily=5)
        data = self.form(daily_limit_nano=typed, display_name="New name")
        response = keeper.post(f"{LIMITS}?of=ada", data)
        told = response.content.decode()
        assert response.status_code == 422
        assert 'class="errorlist"' in told
        assert f'value="{typed}"' in told
        assert 'value="New name"' in told
        limit = SpendingLimit.objects.get()
        assert (limit.daily_limit_nano, limit.display_name) == (5 * 10**9, "")
        assert not LogEntry.objects.exists()

    def test_in_a_dialog_it_says_so_there_and_tells_the_page(self, keeper: Client) -> None:
        headers = {"HX-Request": "true", "HX-Target": "detail"}
        data = self.form(daily_limit_nano="5")
        response = keeper.post(f"{LIMITS}?of=ada", data, headers=headers)
        told = response.content.decode().strip()
        assert told.startswith('<article id="detail"')
        assert "The limits of ada are saved." in told
        assert response.headers["HX-Trigger"] == "stream:news"

    def test_a_forged_one_is_refused(self, keeper: Client) -> None:
        forged = Client(enforce_csrf_checks=True)
        forged.cookies = keeper.cookies
        assert forged.post(f"{LIMITS}?of=ada", self.form(daily_limit_nano="1")).status_code == 403
        assert not SpendingLimit.objects.exists()

    def test_its_queries_are_few(
        self, keeper: Client, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        set_user_limits("ada", daily=5)
        with django_assert_num_queries(5 + VERSION):
            html(keeper, f"{LIMITS}?of=ada")


def test_no_colour_is_missing() -> None:
    sheet = (site_settings.BASE_DIR / "static" / "css" / "chart.css").read_text()
    assert {f".k{n} {{" in sheet for n in range(1, 9)} == {True}
