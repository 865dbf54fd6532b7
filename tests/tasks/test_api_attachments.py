from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from model_bakery import baker
from pytest_django import DjangoAssertNumQueries

from tasks.files import MAX_SIZE
from tasks.models import Attachment, Task
from tests.tasks.test_files import PNG

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("folder")]
URL = "/api/tasks/t1/attachments"


@pytest.fixture(autouse=True)
def task() -> None:
    baker.make(Task, id="t1")


def post(client: Client, name: str = "a.md", content: bytes = b"# A", url: str = URL) -> Any:
    return client.post(url, {"file": SimpleUploadedFile(name, content)})


class TestAttach:
    def test_it_is_kept_and_can_be_had_back(self, agent: Client) -> None:
        response = post(agent, "shot.png", PNG)
        kept = Attachment.objects.get()
        assert response.status_code == 201
        assert response.json() == {
            "id": kept.pk,
            "name": "shot.png",
            "kind": "screenshot",
            "media_type": "image/png",
            "size": len(PNG),
            "url": f"/attachments/{kept.pk}/",
        }
        with kept.file.open("rb") as file:
            assert file.read() == PNG
        assert kept.task_id == "t1"

    def test_the_same_file_again_is_the_same_attachment(self, agent: Client) -> None:
        first = post(agent)
        again = post(agent)
        assert (first.status_code, again.status_code) == (201, 200)
        assert again.json() == first.json()
        assert Attachment.objects.count() == 1

    @pytest.mark.parametrize(("name", "content"), [("b.md", b"# A"), ("a.md", b"# B")])
    def test_another_name_or_content_is_another_attachment(
        self, agent: Client, name: str, content: bytes
    ) -> None:
        post(agent)
        assert post(agent, name, content).status_code == 201

    def test_one_whose_file_is_gone_is_kept_anew(self, agent: Client, folder: Path) -> None:
        post(agent)
        for file in folder.iterdir():
            file.unlink()
        assert post(agent).status_code == 201

    @pytest.mark.parametrize(
        ("name", "content", "status", "error"),
        [
            ("a.png", b"<html>", 415, "a.png: only pictures"),
            ("a.html", b"<html>", 415, "a.html: only pictures"),
            ("a.txt", b"\xff", 415, "a.txt: only pictures"),
            ("a.txt", b"x" * (MAX_SIZE + 1), 413, "A file has at most 10 MiB."),
            ("x" * 201 + ".md", b"x", 400, "length <= 200"),
        ],
    )
    def test_what_cannot_be_kept_is_refused(
        self, agent: Client, folder: Path, name: str, content: bytes, status: int, error: str
    ) -> None:
        response = post(agent, name, content)
        assert response.status_code == status
        assert error in response.json()["error"]
        assert not Attachment.objects.exists()
        assert not folder.exists()

    @pytest.mark.parametrize("form", [{}, {"file": "text"}, {"picture": "x"}])
    def test_a_form_without_the_file_is_refused(self, agent: Client, form: dict[str, str]) -> None:
        response = agent.post(URL, form)
        assert response.status_code == 400
        assert "`file`" in response.json()["error"]

    def test_a_second_file_is_not_dropped_in_silence(self, agent: Client) -> None:
        two = [SimpleUploadedFile(name, b"# A") for name in ("a.md", "b.md")]
        for form, error in (
            ({"file": two}, "file: send one file at a time"),
            ({"file": two[0], "other": two[1]}, "unknown field `other`"),
        ):
            for file in two:
                file.seek(0)
            response = agent.post(URL, form)
            assert response.status_code == 400
            assert error in response.json()["error"]
        assert not Attachment.objects.exists()

    def test_a_form_without_a_boundary_is_refused(self, agent: Client) -> None:
        response = agent.post(URL, b"x", content_type="multipart/form-data")
        assert response.status_code == 400
        assert "boundary" in response.json()["error"]

    def test_another_type_is_refused(self, agent: Client) -> None:
        for kind in ("image/png", "application/json"):
            assert agent.post(URL, PNG, content_type=kind).status_code == 415

    def test_an_unknown_task_is_not_found(self, agent: Client) -> None:
        response = post(agent, url="/api/tasks/nix/attachments")
        assert (response.status_code, response.json()) == (404, {"error": "Task not found"})

    def test_it_takes_few_queries(
        self, agent: Client, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        with django_assert_num_queries(7):
            post(agent)
