"""The files that were touched most."""

import pytest
from django.test import Client
from django.urls import reverse

from sessions import file_statistics
from tests.monitor.cast import ago, called, tell
from tests.monitor.tools_page.cast import DAY, html, page, part

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]


class TestFiles:
    def test_the_most_touched_come_first_with_their_sessions(self, signed_in: Client) -> None:
        tell(
            [
                called(1, 9, tool_name="Read", parameters={"file_path": "/a"}, session_key="one"),
                called(2, 8, tool_name="Edit", parameters={"file_path": "/a"}, session_key="two"),
                called(3, 7, tool_name="Write", parameters={"file_path": "/b"}),
                called(4, 2 * DAY, tool_name="Write", parameters={"file_path": "/old"}),
            ]
        )
        first, second = page().files.files
        assert (first.path, first.reads, first.writes, first.edits) == ("/a", 1, 0, 1)
        assert (first.sessions, first.last) == (2, ago(8))
        assert [session.key for session in first.newest] == ["two", "one"]
        assert (second.path, second.writes) == ("/b", 1)
        shown = html(signed_in)
        assert f'href="{reverse("session", args=["two"])}"' in shown

    def test_of_many_calls_the_newest_are_counted_and_it_says_so(
        self, signed_in: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(file_statistics, "CALLS", 3)
        tell([called(n, 10 + n, parameters={"file_path": f"/{n}"}) for n in range(3)])
        assert page().files.since is None or page().files.since == ago(12)
        tell([called(9, 50, parameters={"file_path": "/9"})])
        files = page().files
        assert files.since == ago(12)
        assert [file.path for file in files.files] == ["/0", "/1", "/2"]
        assert "Counted over the newest" in part(signed_in, "files")

    def test_no_file_is_told(self, signed_in: Client) -> None:
        tell([called(1)])
        assert "No call named a file in the last 24 hours." in part(signed_in, "files")
