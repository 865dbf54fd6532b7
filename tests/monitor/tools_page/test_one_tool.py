"""The page of one tool."""

import pytest
import time_machine
from django.contrib.auth.models import User
from django.test import Client

from monitor.tools.address import ToolsAddress
from monitor.tools.page import ToolsPage
from tests.monitor.cast import ago, called, tell, text
from tests.monitor.tools_page.cast import DAY, failed, html, page

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]


class TestOneTool:
    def test_its_newest_failures_lead_to_their_line_in_the_session(self, signed_in: Client) -> None:
        for n in range(60):
            failed(n, 100 - n, session_key="a/b", error=f"Boom {n}")
        tell([called(99, session_key="a/b")])
        newest = page("tool=Bash").failed_calls
        assert len(newest) == 20
        assert newest[0].text == "Boom 59"
        for call in (newest[0], newest[-1]):
            answer = signed_in.get(call.url.partition("#")[0]).content.decode()
            assert f'id="{call.url.partition("#")[2]}"' in answer

    def test_a_call_on_a_later_page_is_found_there(self, signed_in: Client) -> None:
        for n in range(60):
            failed(n, 100 - n)
        tell([called(n, 2 * DAY - n, success=False, error="x") for n in range(100, 103)])
        with time_machine.travel(ago(DAY)):
            asked = ToolsAddress.parse("/tools/", {"tool": "Bash"}, ago(DAY))
            old = ToolsPage(asked, User(), ago(DAY)).failed_calls
        assert [call.text for call in old] == ["x"] * 3
        for call in old:
            address, _, anchor = call.url.partition("#")
            assert "calls=2" in address
            assert f'id="{anchor}"' in signed_in.get(address).content.decode()

    def test_it_tells_of_that_tool_alone(self, signed_in: Client) -> None:
        failed(1, error="mine")
        failed(2, tool_name="Read", error="of another")
        shown = html(signed_in, "?tool=Bash")
        assert "mine" in shown
        assert "of another" not in shown
        assert "Figures of the histogram" not in shown  # no duration is known
        assert "No duration is known." in shown

    def test_pictures_have_their_figures_beside_them(self, signed_in: Client) -> None:
        tell([called(1, duration_ms=5_000), called(2, 100, duration_ms=100)])
        shown = text(html(signed_in, "?tool=Bash"))
        assert "Figures of the trend From (UTC) Calls Failed" in shown
        assert "2026-03-29 12:00 1 0" in shown
        assert "Figures of the histogram From To Calls" in shown
