from __future__ import annotations

import re
from html import unescape
from pathlib import Path
from urllib.parse import quote

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from model_bakery import baker
from pytest_django import DjangoAssertNumQueries

from docsviewer import reading, views
from docsviewer.models import Document
from tasks.models import Task
from tests.conftest import PASSWORD
from tests.docsviewer.conftest import Write, of_the_page
from tests.tasks.test_files import PNG

pytestmark = pytest.mark.django_db

SESSION_AND_USER, PERMISSIONS = 2, 2
HTMX = {"HX-Request": "true", "HX-Target": "detail"}


def html(client: Client, path: str = "guide.md", query: str = "", **headers: str) -> str:
    response = client.get(f"/docs/{quote(path)}{query}", headers=headers)
    assert response.status_code == 200
    return str(response.content.decode())


def text(page: str) -> str:
    main = page.partition("<main")[2] or page
    return " ".join(unescape(re.sub(r"<[^>]+>", "", main)).split())


@pytest.fixture
def editor(client: Client) -> Client:
    """Somebody who may change documents."""
    user = User.objects.create_user("editor", password=PASSWORD)
    user.user_permissions.add(Permission.objects.get(codename="change_document"))
    client.force_login(user)
    return client


class TestDocument:
    def test_it_needs_somebody_signed_in(self, client: Client, write: Write) -> None:
        write()
        assert client.get("/docs/guide.md").status_code == 302

    def test_it_is_laid_out_under_its_title(self, signed_in: Client, write: Write) -> None:
        write(
            "a/guide.md", "---\nowner: Ops\n---\n# The *guide*\n\nHello **you**.\n\n## Part one\n"
        )
        page = html(signed_in, "a/guide.md")
        assert '<h1 id="detail-title" tabindex="-1">The guide</h1>' in page
        assert "<title>The guide · Agent Monitor</title>" in page
        assert (
            '<div class="card prose" id="doc-the-guide"><p>Hello <strong>you</strong>.</p>' in page
        )
        assert '<a href="#doc-part-one">Part one</a>' in page
        assert re.search(r'<th scope="row">owner</th>\s*<td>Ops</td>', page)
        assert "a/guide.md" in text(page)
        assert "changed 2026-03-15 12:00 UTC" in text(page)

    def test_a_text_stays_as_it_is(self, signed_in: Client, write: Write) -> None:
        write("notes.txt", "# no *heading*\n  <b>x</b>")
        assert "# no *heading*\n  &lt;b&gt;x&lt;/b&gt;</pre>" in html(signed_in, "notes.txt")

    def test_it_is_laid_out_again_when_it_changes(self, signed_in: Client, write: Write) -> None:
        write(content="one")
        assert "one" in text(html(signed_in))
        write(content="two", ago=1)
        assert "two" in text(html(signed_in))

    def test_it_is_laid_out_once(
        self, signed_in: Client, write: Write, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        write(content="laid out once")
        html(signed_in)
        monkeypatch.setattr(reading, "render", None)
        assert "laid out once" in text(html(signed_in))

    @pytest.mark.parametrize(
        "name", ["a?b#c&d%41.md", "日本語 ünï.md", 'it\'s "quoted".md', " .md"]
    )
    def test_strange_names_are_found(self, signed_in: Client, write: Write, name: str) -> None:
        write(name, "found")
        assert "found" in text(html(signed_in, name))
        listed = re.search('<h2><a href="([^"]+)"', signed_in.get("/docs/").content.decode())
        assert listed
        assert signed_in.get(unescape(listed[1])).status_code == 200

    @pytest.mark.parametrize(
        "path",
        [
            "none.md",
            "../secret.md",
            "..%2Fsecret.md",
            "%2e%2e/secret.md",
            "..%5Csecret.md",
            "/etc/passwd",
            "%2Fetc%2Fpasswd",
            "guide.md/",
            "guide.md%00",
            "guide.md%0A",
            "%FF%FE.md",
            "out.md",
            ".hidden.md",
            "shot.png",
            "page.html",
            "folder",
            "CON",
            "x" * 5_000 + ".md",
        ],
    )
    def test_all_else_is_not_found_alike(
        self, signed_in: Client, write: Write, folder: Path, path: str
    ) -> None:
        for name in ("guide.md", ".hidden.md", "page.html", "folder/a.md"):
            write(name)
        write("shot.png", PNG)
        (folder.parent / "secret.md").write_text("secret")
        (folder / "out.md").symlink_to(folder.parent / "secret.md")
        answers = [signed_in.get(f"/docs/{asked}") for asked in (path, "nothing.md")]
        assert {answer.status_code for answer in answers} == {404}
        assert text(answers[0].content.decode()) == text(answers[1].content.decode())

    def test_one_that_goes_before_it_is_read_is_not_found(
        self, signed_in: Client, write: Write, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        file = write("gone.md")
        found = views.library()
        file.unlink()
        monkeypatch.setattr(views, "library", lambda: found)
        assert signed_in.get("/docs/gone.md").status_code == 404

    def test_what_is_no_utf_8_is_shown_with_a_word(self, signed_in: Client, write: Write) -> None:
        write(content="# Größe\n\nHöhe".encode("latin-1"))
        told = text(html(signed_in))
        assert "This file is no text in UTF-8" in told
        assert "H\ufffdhe" in told

    @pytest.mark.parametrize("name", ["long.md", "long.txt"])
    def test_a_table_of_a_megabyte_is_shown_as_text(
        self, signed_in: Client, write: Write, name: str
    ) -> None:
        table = "| <b>a</b> | b |\n|---|---|\n" + "| <script> | \u202ey |\n" * 60_000
        write(name, table)
        page = html(signed_in, name)
        assert ("too long to be laid out" in page) is name.endswith(".md")
        assert page.count("| &lt;script&gt; |") == 60_000
        assert "<table" not in page

    def test_what_is_longer_still_is_not_shown(self, signed_in: Client, write: Write) -> None:
        write(content="x" * (4 * 2**20 + 1))
        told = text(html(signed_in))
        assert "guide.md is too long: at most 4 MiB are shown." in told
        assert "empty" not in told

    def test_an_empty_one_says_so(self, signed_in: Client, write: Write) -> None:
        write(content="")
        assert "This document is empty." in text(html(signed_in))
        write(content="# A title")
        assert "Nothing follows the title." in text(html(signed_in))

    def test_hostile_text_is_only_text(self, signed_in: Client, write: Write) -> None:
        script = "<script>alert(1)</script>"
        write(
            content=f"---\n{script}: {script}\n---\n# {script}\n\n## {script}\n\n{script}\n\u202e"
        )
        page = html(signed_in)
        assert script not in page
        assert page.count("&lt;script&gt;") == 7

    @pytest.mark.parametrize("headers", [{}, HTMX])
    def test_it_takes_one_query_more_than_the_reader(
        self,
        signed_in: Client,
        write: Write,
        django_assert_num_queries: DjangoAssertNumQueries,
        headers: dict[str, str],
    ) -> None:
        write()
        baker.make(Document, path="guide.md", task=baker.make(Task))
        reader = SESSION_AND_USER if headers else of_the_page()
        with django_assert_num_queries(reader + PERMISSIONS + 1):
            html(signed_in, **headers)

    def test_a_dialog_gets_the_document_alone(self, signed_in: Client, write: Write) -> None:
        write()
        part = html(signed_in, **HTMX)
        assert part.strip().startswith('<article id="detail"')
        assert "css/prose.css" in part
        assert "<html" not in part

    def test_it_leads_to_its_task(self, signed_in: Client, write: Write) -> None:
        write()
        known = baker.make(Document, path="guide.md", task=baker.make(Task, id="t1"))
        assert '<a href="/tasks/t1/">Task t1</a>' in html(signed_in)
        Task.objects.all().delete()
        Document.objects.filter(pk=known.pk).update(task_id="t1")
        assert "Task t1" not in html(signed_in)


class TestSteps:
    def post(self, client: Client, action: str, headers: dict[str, str] | None = None) -> object:
        sent = {"action": action, "notes": " Why <b> "}
        return client.post("/docs/guide.md", sent, headers=headers)

    def test_who_may_not_is_offered_nothing_and_changes_nothing(
        self, signed_in: Client, write: Write
    ) -> None:
        write()
        assert "?action=archive" not in html(signed_in)
        assert "<form class" not in html(signed_in, query="?action=archive")
        assert self.post(signed_in, "archive").status_code == 403
        assert not Document.objects.exists()

    def test_it_is_asked_first(self, editor: Client, write: Write) -> None:
        write()
        assert 'href="/docs/guide.md?action=archive"' in html(editor)
        asked = html(editor, query="?action=archive")
        assert "Archive this document?" in asked
        assert 'method="post" action="/docs/guide.md"' in asked
        assert not Document.objects.exists()

    def test_it_goes_there_and_back_and_the_file_stays(self, editor: Client, write: Write) -> None:
        file = write()
        facts = file.read_text(), file.stat().st_mtime
        response = self.post(editor, "archive")
        assert (response.status_code, response["Location"]) == (302, "/docs/guide.md")
        page = html(editor)
        assert "The document is archived." in text(page)
        assert "Why <b>" in text(page)
        assert "Archived" in text(page)
        assert "Restore this document?" in html(editor, query="?action=restore")
        self.post(editor, "restore")
        page = html(editor)
        assert "The document is active again." in text(page)
        assert "Archived" not in text(page)
        assert (file.read_text(), file.stat().st_mtime) == facts

    def test_a_dialog_gets_the_document_with_what_was_done(
        self, editor: Client, write: Write
    ) -> None:
        write()
        response = self.post(editor, "archive", HTMX)
        assert response.status_code == 200
        part = response.content.decode()
        assert part.strip().startswith('<article id="detail"')
        assert "The document is archived." in part

    def test_a_step_that_does_not_fit_says_why(self, editor: Client, write: Write) -> None:
        write()
        response = self.post(editor, "restore")
        assert response.status_code == 409
        assert "The document is active already." in text(response.content.decode())
        page = html(editor, query="?action=restore").split("<main")[1].split("</main>")[0]
        assert "?action=restore" not in page

    def test_notes_are_bounded(self, editor: Client, write: Write) -> None:
        write()
        sent = {"action": "archive", "notes": "x" * 2_001}
        response = editor.post("/docs/guide.md", sent)
        assert response.status_code == 422
        assert "notes: at most 2,000 characters" in text(response.content.decode())
        assert "Archive this document?" in response.content.decode()

    @pytest.mark.parametrize("sent", [{}, {"action": ""}, {"action": "delete"}])
    def test_there_is_no_other_step(
        self, editor: Client, write: Write, sent: dict[str, str]
    ) -> None:
        write()
        assert editor.post("/docs/guide.md", sent).status_code == 400

    def test_what_is_no_document_cannot_be_archived(self, editor: Client, folder: Path) -> None:
        (folder.parent / "secret.md").write_text("x")
        for path in ("none.md", "../secret.md", "%2e%2e/secret.md"):
            assert editor.post(f"/docs/{path}", {"action": "archive"}).status_code == 404
        assert not Document.objects.exists()

    def test_another_site_changes_nothing(self, editor: Client, write: Write) -> None:
        write()
        forged = Client(enforce_csrf_checks=True)
        forged.force_login(User.objects.get())
        assert self.post(forged, "archive").status_code == 403


class TestPicture:
    def test_it_is_what_its_content_says_and_never_runs(
        self, signed_in: Client, write: Write
    ) -> None:
        write("a/shot.gif", PNG)
        response = signed_in.get("/docs/a/shot.gif/image")
        assert (response.status_code, response.content) == (200, PNG)
        assert response["Content-Type"] == "image/png"
        assert response["X-Content-Type-Options"] == "nosniff"
        assert response["Content-Security-Policy"] == "default-src 'none'; sandbox"
        assert response["Content-Disposition"] == 'inline; filename="shot.gif"'

    @pytest.mark.parametrize(
        ("name", "content"),
        [
            ("a.png", b"<svg onload=alert(1)>"),
            ("a.png", b"<html>"),
            ("a.png", b""),
            ("a.svg", PNG),
            ("a.md", PNG),
            (".a.png", PNG),
            ("a.png", PNG + bytes(10 * 2**20)),
        ],
    )
    def test_what_is_no_picture_is_not_found(
        self, signed_in: Client, write: Write, name: str, content: bytes
    ) -> None:
        write(name, content)
        assert signed_in.get(f"/docs/{name}/image").status_code == 404

    def test_one_of_another_folder_is_not_found(
        self, signed_in: Client, write: Write, folder: Path
    ) -> None:
        (folder.parent / "secret.png").write_bytes(PNG)
        (folder / "link.png").symlink_to("../secret.png")
        for path in ("../secret.png", "%2e%2e/secret.png", "link.png", "none.png"):
            assert signed_in.get(f"/docs/{path}/image").status_code == 404

    def test_it_needs_somebody_signed_in(self, client: Client, write: Write) -> None:
        write("a.png", PNG)
        assert client.get("/docs/a.png/image").status_code == 302

    def test_a_document_shows_it(self, signed_in: Client, write: Write) -> None:
        write("a/guide.md", "![A shot](../shots/one.png)")
        write("shots/one.png", PNG)
        found = re.search('<img src="([^"]+)" alt="A shot"', html(signed_in, "a/guide.md"))
        assert found
        assert signed_in.get(found[1]).status_code == 200
