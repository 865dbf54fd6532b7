from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client

from costs.limits import set_user_limits
from sessions.recording import record as record_events
from tests.monitor.cast import HOSTILE, called, task, text
from tests.monitor.spend.cast import download, html, page, spent

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]


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
