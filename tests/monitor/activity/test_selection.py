"""What an address chooses, and the hint where there is nothing of it."""

from __future__ import annotations

import pytest

from monitor.hints import hint
from monitor.periods import Period
from monitor.selection import Selection
from tests.monitor.activity.cast import MINUTE, NOW, select


class TestSelection:
    def test_without_parameters_it_is_what_is_active_today(self) -> None:
        assert select() == Selection(Period.parse("24h", NOW), MINUTE, "active", "", 1)

    def test_it_is_what_the_address_says(self) -> None:
        given = {"range": "7d", "show": "failed", "q": "  a b ", "page": "3"}
        assert select(**given) == Selection(Period.parse("7d", NOW), MINUTE, "failed", "a b", 3)

    @pytest.mark.parametrize(
        ("name", "value", "words"),
        [
            ("range", "2d", "no range “2d”"),
            ("show", "<b>", "no list “<b>”; choose active, completed, failed, all"),
            ("q", "x" * 201, "up to 200 characters"),
            ("q", "a\0b", "characters"),
            ("page", "0", "no page “0”"),
            ("page", "-1", "no page"),
            ("page", "٣", "no page"),
            ("page", "9" * 5000, "no page “99999999999999999999”"),
            ("page", "", "no page"),
        ],
    )
    def test_it_says_what_makes_no_sense(self, name: str, value: str, words: str) -> None:
        with pytest.raises(ValueError, match=r"There is|Search") as fault:
            select(**{name: value})
        assert words in str(fault.value)

    def test_its_query_string_leads_back_to_it(self) -> None:
        assert select(q="a&b=ü", page="2").query(page="2") == (
            "?range=24h&show=active&q=a%26b%3D%C3%BC&page=2"
        )

    def test_a_change_leads_to_the_first_page(self) -> None:
        query = select(range="7d", q="x", page="2").query
        assert query(show="all") == "?range=7d&show=all&q=x"
        assert query(q="") == "?range=7d&show=active"


HINTS: list[tuple[dict[str, str], int, str, str, str]] = [
    ({}, 0, "Nothing is running now.", "", ""),
    ({}, 7, "Nothing is running now.", "show=all", "Show all in the last 24 hours"),
    ({"range": "all"}, 7, "Nothing is running now.", "show=all", "Show all"),
    ({"show": "failed"}, 7, "Nothing failed in the last 24 hours.", "range=all", "further back"),
    ({"show": "all", "range": "7d"}, 0, "in the last 7 days.", "range=all", "further back"),
    ({"show": "completed", "range": "all"}, 7, "Nothing was completed so far.", "", ""),
    ({"q": "x"}, 1200, "No match in this list.", "show=all&q=x", "Show all matches (1,200)"),
    ({"q": "x"}, 0, "24 hours matches “x”.", "range=all&show=all&q=x", "Search further back"),
    ({"q": "x", "range": "all"}, 0, "Nothing matches “x”.", "show=active", "Clear the search"),
]


class TestHint:
    @pytest.mark.parametrize(("given_", "total", "text", "query", "words"), HINTS)
    def test_it_says_why_there_is_nothing_and_where_there_may_be_something(
        self, given_: dict[str, str], total: int, text: str, query: str, words: str
    ) -> None:
        found = hint(select(**given_), total)
        assert found.text.endswith(text)
        assert query in found.query
        assert found.words.endswith(words)
        assert bool(found.query) == bool(query)
