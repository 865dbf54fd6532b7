from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from model_bakery import baker
from pytest_django import DjangoAssertNumQueries, Settings

from docsviewer import api
from docsviewer.models import Document
from tests.docsviewer.conftest import NOON, Write

pytestmark = pytest.mark.django_db

KEY = 1  # query for the key of the program


def post(client: Client, step: str, **body: Any) -> Any:
    return client.post(f"/api/docs/{step}", body, "application/json")


class TestList:
    def listed(self, client: Client, query: str = "") -> list[str]:
        answer = client.get(f"/api/docs/list{query}").json()
        assert answer["total"] == len(answer["files"])
        return [file["path"] for file in answer["files"]]

    def test_it_tells_what_is_known_of_each(self, reader: Client, write: Write) -> None:
        write("b/new.md", "12345")
        write("a.txt", "1", ago=1)
        archived_at = datetime(2026, 3, 15, 13, tzinfo=UTC)
        baker.make(Document, path="a.txt", status="archived", archived_at=archived_at, task_id="t1")
        assert reader.get("/api/docs/list?status=all").json() == {
            "files": [
                {
                    "path": "a.txt",
                    "name": "a.txt",
                    "size": 1,
                    "modified": NOON - 60.0,
                    "is_archive": True,
                    "status": "archived",
                    "archived_at": "2026-03-15T13:00:00Z",
                    "task_id": "t1",
                },
                {
                    "path": "b/new.md",
                    "name": "new.md",
                    "size": 5,
                    "modified": float(NOON),
                    "is_archive": False,
                    "status": "active",
                    "archived_at": None,
                    "task_id": None,
                },
            ],
            "total": 2,
        }

    def test_active_ones_are_listed_unless_others_are_asked_for(
        self, reader: Client, write: Write
    ) -> None:
        for path in ("a.md", "archive/b.md", "c.md", "shot.png"):
            write(path)
        Document.objects.archive("a.md")
        assert self.listed(reader) == ["archive/b.md", "c.md"]
        assert self.listed(reader, "?status=archived") == ["a.md"]
        assert self.listed(reader, "?status=all") == ["a.md", "archive/b.md", "c.md"]
        assert reader.get("/api/docs/list?status=deleted").status_code == 400

    def test_what_is_known_of_a_file_that_is_gone_is_not_listed(
        self, reader: Client, folder: Path
    ) -> None:
        baker.make(Document, path="gone.md")
        assert self.listed(reader, "?status=all") == []

    def test_without_the_folder_there_is_no_list(
        self, reader: Client, folder: Path, settings: Settings
    ) -> None:
        settings.DOCS_ROOT = [str(folder / "none")]
        response = reader.get("/api/docs/list")
        assert response.status_code == 404
        assert response.json() == {"error": "Documentation directory not found"}

    @pytest.mark.parametrize("count", [1, 30])
    def test_it_takes_one_query(
        self,
        reader: Client,
        write: Write,
        django_assert_num_queries: DjangoAssertNumQueries,
        count: int,
    ) -> None:
        for n in range(count):
            write(f"{n}.md")
            baker.make(Document, path=f"{n}.md", task_id=f"t{n}")
        with django_assert_num_queries(KEY + 1):
            assert len(self.listed(reader)) == count


class TestContent:
    def content(self, client: Client, path: str) -> Any:
        return client.get("/api/docs/content", {"path": path})

    def test_it_is_what_was_written(self, reader: Client, write: Write) -> None:
        write("a/größe.md", "# <b>Größe</b>\n")
        assert self.content(reader, "a/größe.md").json() == {
            "path": "a/größe.md",
            "name": "größe.md",
            "content": "# <b>Größe</b>\n",
            "size": 17,
        }

    def test_a_path_is_needed(self, reader: Client, folder: Path) -> None:
        for query in ("", "?path="):
            response = reader.get(f"/api/docs/content{query}")
            assert response.status_code == 400
            assert "path" in response.json()["error"]

    @pytest.mark.parametrize(
        "path",
        [
            "none.md",
            "../secret.md",
            "a/../guide.md",
            "/etc/passwd",
            "guide.md\0",
            ".hidden.md",
            "shot.png",
            "page.html",
            "folder",
            "\ud800".encode("utf-8", "surrogatepass").decode("latin-1"),
        ],
    )
    def test_all_else_is_not_found_alike(
        self, reader: Client, write: Write, folder: Path, path: str
    ) -> None:
        (folder.parent / "secret.md").write_text("secret")
        for name in ("guide.md", ".hidden.md", "shot.png", "page.html", "folder/a.md"):
            write(name)
        response = self.content(reader, path)
        assert (response.status_code, response.json()) == (404, {"error": "Document not found"})

    def test_what_cannot_be_given_whole_is_refused(self, reader: Client, write: Write) -> None:
        write("latin.md", b"\xff")
        write("long.md", "x" * (4 * 2**20 + 1))
        told = {path: self.content(reader, path) for path in ("latin.md", "long.md")}
        assert {answer.status_code for answer in told.values()} == {400}
        assert told["latin.md"].json() == {"error": "latin.md is no text in UTF-8."}
        assert told["long.md"].json()["error"].startswith("long.md is too long")

    def test_one_that_goes_before_it_is_read_is_not_found(
        self, reader: Client, write: Write, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        file = write()
        found = api.library()
        file.unlink()
        monkeypatch.setattr(api, "library", lambda: found)
        assert self.content(reader, "guide.md").status_code == 404


class TestSteps:
    def test_it_goes_there_and_back(self, writer: Client, write: Write) -> None:
        file = write()
        assert post(writer, "archive", path="guide.md", notes="Old").json() == {
            "success": True,
            "message": "The document is archived.",
            "path": "guide.md",
            "status": "archived",
        }
        assert Document.objects.get().notes == "Old"
        assert post(writer, "restore", path="guide.md").json() == {
            "success": True,
            "message": "The document is active again.",
            "path": "guide.md",
            "status": "active",
        }
        assert Document.objects.get().notes == "Old"
        assert file.exists()

    @pytest.mark.parametrize("step", ["archive", "restore"])
    def test_the_state_must_allow_it(self, writer: Client, write: Write, step: str) -> None:
        write()
        if step == "archive":
            post(writer, "archive", path="guide.md")
        response = post(writer, step, path="guide.md")
        assert response.status_code == 400
        assert response.json()["error"].endswith("already.")

    @pytest.mark.parametrize("step", ["archive", "restore"])
    @pytest.mark.parametrize(
        "path", ["none.md", "../secret.md", "shot.png", "/etc/passwd", "a\0.md"]
    )
    def test_what_is_no_document_is_not_found(
        self, writer: Client, write: Write, folder: Path, step: str, path: str
    ) -> None:
        (folder.parent / "secret.md").write_text("x")
        write("shot.png")
        baker.make(Document, path="none.md", status="archived")
        response = post(writer, step, path=path)
        assert (response.status_code, response.json()) == (404, {"error": "Document not found"})
        assert Document.objects.count() == 1

    @pytest.mark.parametrize(
        "body",
        [
            {},
            {"path": ""},
            {"path": None},
            {"path": 1},
            {"path": "guide.md", "note": "x"},
            {"path": "guide.md", "notes": "x" * 2_001},
            {"path": "guide.md", "notes": "a\0b"},
        ],
    )
    def test_a_wrong_body_changes_nothing(
        self, writer: Client, write: Write, body: dict[str, Any]
    ) -> None:
        write()
        assert post(writer, "archive", **body).status_code == 400
        assert not Document.objects.exists()

    def test_a_body_of_another_type_is_refused(self, writer: Client, write: Write) -> None:
        write()
        response = writer.post("/api/docs/archive", "path=guide.md", "text/plain")
        assert response.status_code == 415

    def test_a_person_needs_the_permission(
        self, signed_in: Client, operator: User, write: Write
    ) -> None:
        write()
        assert post(signed_in, "archive", path="guide.md").status_code == 403
        operator.user_permissions.add(Permission.objects.get(codename="change_document"))
        assert post(signed_in, "archive", path="guide.md").status_code == 200

    def test_it_takes_few_queries(
        self, writer: Client, write: Write, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        write()
        post(writer, "archive", path="guide.md")
        transaction = 2
        with django_assert_num_queries(KEY + transaction + 2):
            post(writer, "restore", path="guide.md")
