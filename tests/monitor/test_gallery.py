import re
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.template import engines
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from monitor.gallery import LEFT_OUT, Piece, harmless, shelves
from tests.monitor.cast import VERSION

FOLDER = Path(settings.BASE_DIR, "templates")
COMPONENTS = sorted(file.stem for file in (FOLDER / "components").glob("*.html"))
PIECES = {piece.name: piece for shelf in shelves() for piece in shelf.pieces}
INCLUDE = re.compile(r'{% include "components/(\w+)\.html"(.*?) only %}')


def passed() -> dict[str, set[str]]:
    """What all includes together give to each component."""
    found: dict[str, set[str]] = defaultdict(set)
    for file in FOLDER.rglob("*.html"):
        for name, given in INCLUDE.findall(file.read_text()):
            found[name] |= set(re.findall(r"\s(\w+)=", given))
    return found


PASSED = passed()


class TestContract:
    @pytest.mark.parametrize("name", COMPONENTS)
    def test_it_names_what_the_includes_pass(self, name: str) -> None:
        assert {given for given, _ in Piece(name, {}).contract} == PASSED[name]

    @pytest.mark.parametrize("name", COMPONENTS)
    def test_it_stands_at_the_head_of_the_file(self, name: str) -> None:
        assert (FOLDER / f"components/{name}.html").read_text().startswith("{# ")

    @pytest.mark.parametrize("name", PIECES)
    def test_the_examples_are_given_no_more(self, name: str) -> None:
        contract = {given for given, _ in PIECES[name].contract}
        given = {each for state in PIECES[name].states.values() for each in state}
        assert given <= contract


@pytest.mark.django_db
class TestGallery:
    def test_it_shows_every_component_or_says_why_not(self) -> None:
        assert {*PIECES, *LEFT_OUT} == {*COMPONENTS}
        assert {*PIECES} & {*LEFT_OUT} == set()

    def test_the_examples_lack_nothing_that_is_drawn(
        self, signed_in: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(engines["django"].engine, "string_if_invalid", "missing: %s")
        html = signed_in.get("/gallery/").content.decode()
        missing = set(re.findall(r"missing: ([\w.]+)", html))
        assert missing == {"anchor"}  # which most links do without

    def test_it_asks_the_database_for_nothing(
        self, signed_in: Client, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        with django_assert_num_queries(2 + VERSION):  # the session and its user
            response = signed_in.get("/gallery/")
        assert response.status_code == 200

    def test_no_id_is_there_twice(self, signed_in: Client) -> None:
        ids = re.findall(r'\sid="([^"]+)"', signed_in.get("/gallery/").content.decode())
        assert sorted(set(ids)) == sorted(ids)


class TestHarmless:
    @pytest.mark.parametrize(
        ("html", "shown"),
        [
            ('<i id="a" aria-labelledby="a b">', '<i id="x-a" aria-labelledby="x-a x-b x">'),
            ('<input list="a"> <datalist id="a">', '<input list="x-a"> <datalist id="x-a">'),
            ("<h1>Spend</h1>", '<h1 aria-level="4">Spend</h1>'),
            ('<nav aria-label="Pages">', '<nav aria-label="Pages, x">'),
            ('<form class="c" method="post" action="/logout/">', '<form class="c">'),
            ('<img src="/attachments/7/" alt="">', '<img src="/static/favicon.svg" alt="">'),
        ],
    )
    def test_ids_are_apart_and_forms_lead_nowhere(self, html: str, shown: Any) -> None:
        assert harmless(html, "x") == shown
