"""What the pages say of a session whose calls, or their bodies, were deleted for their age."""

from typing import Any

import pytest
import time_machine
from django.test import Client

from monitor.errors import CALLS, ErrorList, ErrorsAddress
from monitor.periods import Period
from sessions.events import SessionNote
from sessions.pruning import prune_bodies, prune_calls
from tests.monitor.cast import NOW, ago, called, tell, text
from tests.monitor.test_session_detail import html

pytestmark = pytest.mark.django_db
HOUR = 60


@pytest.fixture(autouse=True)
def now() -> Any:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def told() -> None:
    """Three calls of a session that is over, two of them older than ten hours."""
    failed: Any = {"success": False, "error": "no such file", "tool_name": "Read"}
    failed["parameters"] = {"file_path": "/a.py"}
    note = SessionNote(session_key="s1", at=ago(12 * HOUR), event="Notification", message="Well?")
    calls = [called(n, minutes, **failed) for n, minutes in enumerate((720, 660, 540))]
    tell([*calls, note])


@pytest.mark.usefixtures("told")
class TestPage:
    def test_it_says_nothing_where_nothing_is_gone(self, signed_in: Client) -> None:
        page = text(html(signed_in))
        assert "deleted" not in page
        assert "is not kept" not in page

    def test_it_counts_calls_that_are_gone(self, signed_in: Client) -> None:
        assert sum(prune_calls(ago(10 * HOUR))) == 2
        page = text(html(signed_in))
        assert "3 tool calls, 3 failed" in page
        assert "2 tool calls from before" in page
        assert "were deleted for their age; the counts still hold them." in page

    def test_it_does_not_say_that_none_were_reported(self, signed_in: Client) -> None:
        assert sum(prune_calls(ago(0))) == 3
        page = text(html(signed_in))
        assert "3 tool calls from before" in page
        assert "No tool calls were reported" not in page
        assert "No such calls." in text(html(signed_in, "?failed=1"))

    def test_it_shows_what_is_left_of_calls_without_their_bodies(self, signed_in: Client) -> None:
        assert sum(prune_bodies(ago(10 * HOUR))) == 3
        page = text(html(signed_in))
        assert page.count("/a.py") >= 3
        assert page.count("no such file") == 1
        assert "Parameters and error texts from before" in page
        assert "What sessions logged before" in page
        assert "Well?" not in page


@pytest.mark.usefixtures("told")
class TestOthers:
    def usage(self, client: Client) -> Any:
        return client.get("/api/sessions/s1/tool-usage").json()

    def test_the_api_still_counts_calls_that_are_gone(self, reader: Client) -> None:
        list(prune_calls(ago(10 * HOUR)))
        told = self.usage(reader)
        assert (told["summary"]["total_tools_used"], told["summary"]["tools_with_errors"]) == (3, 3)
        assert told["summary"]["tools_by_type"] == {"Read": 1}
        assert len(told["tool_calls"]) == 1

    def test_the_api_tells_no_parameters_of_a_bare_call(self, reader: Client) -> None:
        list(prune_bodies(ago(10 * HOUR)))
        told = [(call["parameters"], call["error"]) for call in self.usage(reader)["tool_calls"]]
        assert told == [(None, None)] * 2 + [({"file_path": "/a.py"}, "no such file")]

    def test_failures_stay_in_their_group(self, signed_in: Client) -> None:
        list(prune_bodies(ago(0)))
        (group,) = ErrorList(CALLS, ErrorsAddress("/errors/", Period.parse("all", NOW))).groups
        assert (group.count, group.sample, group.category) == (3, "", "file not found")
        page = signed_in.get("/errors/?range=all").content.decode()
        assert "No error text is kept" in text(page)
