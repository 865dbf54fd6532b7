"""The table of the tools."""

import pytest
from django.test import Client

from sessions import statistics
from tests.monitor.dashboard.cast import poll, work


@pytest.mark.django_db
@pytest.mark.usefixtures("clock")
class TestTools:
    def html(self, client: Client, query: str = "") -> str:
        return " ".join(poll(client, "tools", f"/{query}").content.decode().split())

    def test_each_has_its_figures(self, signed_in: Client) -> None:
        work("a")
        html = self.html(signed_in)
        assert '<th scope="row">Bash</th> <td class="num">2</td> <td class="num">0</td>' in html
        assert '<td class="num">0.0%</td> <td class="num">380 ms</td>' in html
        assert "within 0.8 %" not in html

    def test_many_calls_say_how_exact_they_are(
        self, signed_in: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(statistics, "EXACT_UP_TO", 0)
        work("a")
        assert "within 0.8 %" in self.html(signed_in, "?range=30d")

    def test_without_calls_it_is_hidden(self, signed_in: Client) -> None:
        assert '<section id="tools" class="card" hidden' in self.html(signed_in)
