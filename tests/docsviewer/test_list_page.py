from __future__ import annotations

import re
from html import unescape
from pathlib import Path

import pytest
from django.test import Client
from model_bakery import baker
from pytest_django import DjangoAssertNumQueries, Settings

from docsviewer import listing
from docsviewer.models import Document
from tests.docsviewer.conftest import Write, of_the_page

pytestmark = pytest.mark.django_db

HOSTILE = "\"><script>alert('1')</script>.md"


def html(client: Client, query: str = "", **headers: str) -> str:
    response = client.get(f"/docs/{query}", headers=headers)
    assert response.status_code == 200
    return str(response.content.decode())


def text(fragment: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", "", fragment)).split())


def rows(page: str) -> list[str]:
    return [text(row) for row in re.findall(r'<li class="paper">.*?</li>', page, re.DOTALL)]


def titles(page: str) -> list[str]:
    return [text(title) for title in re.findall("<h2><a.*?</h2>", page)]


def tabs(page: str) -> list[str]:
    return [text(tab) for tab in re.findall(r"<li><a href=\"\?show.*?</li>", page)]


def folders(page: str) -> str:
    return text(page.partition("folders-title")[2].partition("</nav>")[0].partition(">")[2])


class TestList:
    def test_it_needs_somebody_signed_in(self, client: Client) -> None:
        assert client.get("/docs/").status_code == 302

    def test_the_newest_comes_first_with_its_facts(self, signed_in: Client, write: Write) -> None:
        write("old.md", "# The old one", ago=60)
        write("a/new.md", "# The new one")
        page = html(signed_in)
        assert titles(page) == ["The new one", "The old one"]
        assert rows(page)[0] == "The new one a/new.md 13\xa0bytes 2026-03-15 12:00 UTC".replace(
            "\xa0", " "
        )
        assert 'href="/docs/a/new.md" hx-get="/docs/a/new.md" hx-target="#detail"' in page

    def test_each_list_has_its_count(self, signed_in: Client, write: Write) -> None:
        for name in ("a.md", "b.md", "c.md"):
            write(name, name)
        Document.objects.archive("b.md")
        page = html(signed_in)
        assert tabs(page) == ["All 3", "Active 2", "Archive 1"]
        assert titles(page) == ["a.md", "c.md"]
        archive = html(signed_in, "?show=archived")
        assert titles(archive) == ["b.md"]
        assert "Archived" in rows(archive)[0]
        assert titles(html(signed_in, "?show=all")) == ["a.md", "b.md", "c.md"]

    def test_a_document_leads_to_its_task(self, signed_in: Client, write: Write) -> None:
        write()
        baker.make(Document, path="guide.md", task_id="t/1")
        assert '<a href="/tasks/t/1/">Task t/1</a>' in html(signed_in)

    def test_it_is_paged(self, signed_in: Client, write: Write) -> None:
        for n in range(60):
            write(f"{n:02}.md", "x", ago=n)
        assert titles(html(signed_in))[0::49] == ["00.md", "49.md"]
        assert titles(html(signed_in, "?page=2"))[0::9] == ["50.md", "59.md"]
        assert titles(html(signed_in, "?page=99")) == titles(html(signed_in, "?page=2"))
        assert "Page 1 of 2" in text(html(signed_in))

    @pytest.mark.parametrize(
        "query", ["show=none", "page=0", "page=x", "page=-1", "q=%00", f"q={'x' * 201}"]
    )
    def test_nonsense_is_refused(self, signed_in: Client, folder: Path, query: str) -> None:
        assert signed_in.get(f"/docs/?{query}").status_code == 400

    def test_only_reading_is_possible(self, signed_in: Client, folder: Path) -> None:
        assert signed_in.post("/docs/").status_code == 405

    @pytest.mark.parametrize("count", [1, 60])
    def test_it_takes_one_query(
        self,
        signed_in: Client,
        write: Write,
        django_assert_num_queries: DjangoAssertNumQueries,
        count: int,
    ) -> None:
        for n in range(count):
            write(f"{n}.md")
            baker.make(Document, path=f"{n}.md", task_id=f"t{n}")
        with django_assert_num_queries(of_the_page() + 1):
            html(signed_in, "?q=guide&show=all")

    def test_hostile_names_and_titles_are_only_text(self, signed_in: Client, folder: Path) -> None:
        (folder / HOSTILE.replace("/", "\u2215")).write_text(f"# {HOSTILE}")
        (folder / "\u202ecod.md").write_text("# \u202eevil")
        page = html(signed_in, "?q=script&show=all") + html(signed_in)
        assert "<script>alert" not in page
        assert "&lt;<mark>script</mark>&gt;alert" in page
        assert "\u202e" not in page
        assert "\\u202eevil" in page
        assert "%E2%80%AEcod.md" in page


class TestSearch:
    def test_each_word_is_in_the_title_the_path_or_the_text(
        self, signed_in: Client, write: Write
    ) -> None:
        write("a/one.md", "# First\n\nApples and <b>pears</b>.")
        write("b/two.md", "# Second\n\nApples.")
        assert titles(html(signed_in, "?q=APPLES")) == ["First", "Second"]
        assert titles(html(signed_in, "?q=apples+pears")) == ["First"]
        assert titles(html(signed_in, "?q=second+apples")) == ["Second"]
        assert titles(html(signed_in, "?q=b/two")) == ["Second"]

    def test_the_hit_is_shown_and_marked(self, signed_in: Client, write: Write) -> None:
        write("pears.md", "# On pears\n\nApples and <b>Pears</b>.")
        page = html(signed_in, "?q=pears")
        assert "On <mark>pears</mark></a>" in page
        assert "<code><mark>pears</mark>.md</code>" in page
        assert "Apples and &lt;b&gt;<mark>Pears</mark>&lt;/b&gt;." in page

    def test_those_named_so_come_first(self, signed_in: Client, write: Write) -> None:
        write("new.md", "apples")
        write("apples.md", "old", ago=9)
        assert titles(html(signed_in, "?q=apples")) == ["apples.md", "new.md"]

    def test_the_lists_count_what_is_found(self, signed_in: Client, write: Write) -> None:
        for name in ("a.md", "b.md", "c.md"):
            write(name, f"in {name}")
        Document.objects.archive("a.md")
        page = html(signed_in, "?q=a.md")
        assert tabs(page) == ["All 1", "Active 0", "Archive 1"]
        assert "No document of this list says that. Look in all lists" in text(page)
        assert 'href="?show=all&amp;q=a.md"' in page

    def test_the_list_alone_is_the_answer_to_who_asks_for_it(
        self, signed_in: Client, write: Write
    ) -> None:
        write()
        fragment = {"HX-Request": "true", "HX-Target": "documents"}
        part = html(signed_in, "?q=guide", **fragment)
        assert part.strip().startswith('<section id="documents"')
        assert "<html" not in part
        assert "folders" not in part

    @pytest.mark.parametrize("query", ["(", "%5B", "*", "\\", "%22", "%27%3B--", "%25", "\u0130"])
    def test_signs_are_only_signs(self, signed_in: Client, write: Write, query: str) -> None:
        write("a.md", "x")
        assert "No document says that. Show all of this list" in text(
            html(signed_in, f"?q={query}")
        )


class TestEmpty:
    def test_a_folder_without_documents_says_what_would_be_shown(
        self, signed_in: Client, folder: Path
    ) -> None:
        assert "There are no documents yet. Files that end with .md" in text(html(signed_in))

    def test_a_missing_folder_is_named(
        self, signed_in: Client, folder: Path, settings: Settings
    ) -> None:
        settings.DOCS_ROOT = [str(folder / "<none>")]
        page = html(signed_in)
        assert f"There is no folder {folder}/<none>. Make it" in text(page)
        assert "<none>" not in page

    def test_no_folder_at_all_is_an_empty_list(self, signed_in: Client, settings: Settings) -> None:
        settings.DOCS_ROOT = []
        assert "There are no documents yet." in text(html(signed_in))

    def test_an_empty_list_leads_to_the_others(self, signed_in: Client, write: Write) -> None:
        write()
        page = html(signed_in, "?show=archived")
        assert "No document is in this list. Show all" in text(page)
        assert 'href="?show=all"' in page

    def test_what_is_left_out_is_counted(self, signed_in: Client, folder: Path) -> None:
        (folder / "two\nlines.md").write_text("x")
        assert "1 file or folder cannot be shown" in text(html(signed_in))

    def test_a_file_that_goes_while_it_is_listed_goes_by_its_name(
        self, signed_in: Client, write: Write, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        file = write("gone.md", "# A title")
        found = listing.library()
        file.unlink()
        monkeypatch.setattr(listing, "library", lambda: found)
        assert titles(html(signed_in)) == ["gone.md"]


class TestTree:
    def test_folders_hold_folders_and_documents(self, signed_in: Client, write: Write) -> None:
        for path in ("z.md", "b/two.md", "b/one.md", "a/c/deep.md"):
            write(path)
        page = html(signed_in)
        assert folders(page) == "Folders a 1 c 1 deep.md b 2 one.md two.md z.md"
        assert page.count("<details open>") == 3

    def test_it_shows_the_chosen_list(self, signed_in: Client, write: Write) -> None:
        write("a/one.md")
        write("b/two.md")
        Document.objects.archive("b/two.md")
        assert folders(html(signed_in, "?q=nothing")) == "Folders a 1 one.md"
        assert folders(html(signed_in, "?show=archived")) == "Folders b 1 two.md"

    def test_many_documents_are_folded(self, signed_in: Client, write: Write) -> None:
        for n in range(120):
            write(f"a&b/{n:03}.md")
        page = html(signed_in)
        assert "<details>" in page
        assert folders(page).endswith("098.md 099.md and 20 more")
        assert 'href="?show=all&amp;q=a%26b%2F"' in page
        assert len(titles(html(signed_in, "?show=all&q=a%26b%2F"))) == 50

    def test_very_many_show_but_a_few_of_each_folder(
        self, signed_in: Client, write: Write, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(listing, "MANY", 5)
        for n in range(7):
            write(f"a/{n}.md")
        assert folders(html(signed_in)) == "Folders a 7 0.md 1.md 2.md 3.md 4.md and 2 more"
