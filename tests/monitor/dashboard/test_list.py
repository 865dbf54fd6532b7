"""The list of tasks and sessions."""

from urllib.parse import quote

import pytest
from django.test import Client

from tasks.reporting import report
from tests.monitor.dashboard.cast import NOW, poll, record, work


@pytest.mark.django_db
@pytest.mark.usefixtures("clock")
class TestList:
    def html(self, client: Client, query: str = "") -> str:
        return " ".join(poll(client, "work", f"/{query}").content.decode().split())

    def test_a_row_is_a_link_to_its_page_which_keeps_the_range(self, signed_in: Client) -> None:
        work("a/b ?")
        html = self.html(signed_in, "?range=7d")
        assert 'href="/tasks/a/b%20%3F/?range=7d" hx-get="/tasks/a/b%20%3F/?range=7d"' in html
        assert 'href="/sessions/a/b%20%3F-alone/?range=7d"' in html

    def test_the_badge_and_the_tabs_count(self, signed_in: Client) -> None:
        work("a")
        report(task_id="b", at=NOW, status="failed", error="no")
        html = self.html(signed_in)
        assert "2 tasks, 1 session<" in html
        assert '<a href="?range=24h&amp;show=active" aria-current="page">Active' in html
        assert 'Failed <span class="count">1</span>' in html
        assert 'All <span class="count">3</span>' in html

    def test_what_others_wrote_is_text(self, signed_in: Client) -> None:
        evil = '"><img src=x onerror=alert(1)>'
        facts = {"description": evil, "model": evil, "agent_type": evil, "message": evil}
        work("a", user_id="<b>", **facts)
        html = self.html(signed_in, f"?q={quote('onerror')}")
        assert "<img" not in html
        assert "<b>" not in html
        assert html.count("&lt;img src=x") >= 4

    def test_tabs_pages_and_ranges_keep_the_search(self, signed_in: Client) -> None:
        for number in range(21):
            report(task_id=f"t{number}", at=NOW, status="running")
        html = signed_in.get("/?q=t%261&range=7d").content.decode()
        assert "?range=7d&amp;show=failed&amp;q=t%261" in html
        assert "?range=30d&amp;show=active&amp;q=t%261" in html
        assert 'value="t&amp;1"' in html
        assert "?range=24h&amp;show=active&amp;q=t&amp;page=2" in self.html(signed_in, "?q=t")

    def test_one_page_needs_no_pager(self, signed_in: Client) -> None:
        work("a")
        assert "Page 1" not in self.html(signed_in)

    def test_a_part_asks_for_the_page_that_it_shows(self, signed_in: Client) -> None:
        work("a")
        assert "page=9" not in self.html(signed_in, "?page=9").partition(">")[0]

    def test_without_rows_it_says_where_there_are_some(self, signed_in: Client) -> None:
        report(task_id="a", at=NOW, status="completed")
        html = self.html(signed_in)
        assert 'Nothing is running now. <a href="?range=24h&amp;show=all">' in html

    def test_before_the_first_row_it_says_that_it_fills_by_itself(self, signed_in: Client) -> None:
        assert "No task or session was recorded yet." in self.html(signed_in)
        record()
        assert "Nothing is running now." in self.html(signed_in)

    def test_a_search_finds_nothing_without_first_steps(self, signed_in: Client) -> None:
        assert "Nothing in the last 24 hours matches “x”." in self.html(signed_in, "?q=x")
