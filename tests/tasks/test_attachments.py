from pathlib import Path
from typing import Any

import pytest
from django.db import transaction
from model_bakery import baker

from tasks.models import Attachment, Task
from tasks.pruning import remove
from tests.tasks.test_files import PNG

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("folder")]


@pytest.fixture
def task() -> Task:
    return baker.make(Task)


def files(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*"))


class TestAttach:
    def test_a_picture_is_a_screenshot(self, task: Task, folder: Path) -> None:
        kept = task.attach("shot.png", PNG)
        stored = Attachment.objects.get()
        assert stored == kept
        assert (stored.task, stored.kind, stored.media_type) == (task, "screenshot", "image/png")
        assert (stored.name, stored.size, str(stored)) == ("shot.png", len(PNG), "shot.png")
        assert stored.file.read() == PNG
        stored.file.close()

    def test_text_is_a_document(self, task: Task) -> None:
        assert task.attach("plan.md", b"# Plan").kind == "document"

    @pytest.mark.parametrize("name", ["../../evil.txt", "/etc/evil.txt", "C:\\evil.txt", "ü ?.txt"])
    def test_its_name_is_kept_and_never_reaches_the_disk(
        self, task: Task, folder: Path, name: str
    ) -> None:
        kept = task.attach(name, b"text")
        (path,) = files(folder)
        assert kept.name == name
        assert path.parent == folder
        assert path.name == kept.file.name
        assert len(path.name) == 32
        assert path.read_bytes() == b"text"

    def test_two_of_one_name_do_not_meet(self, task: Task, folder: Path) -> None:
        for content in (b"one", b"two"):
            task.attach("a.txt", content)
        assert {path.read_bytes() for path in files(folder)} == {b"one", b"two"}

    def test_what_is_refused_leaves_nothing_behind(self, task: Task, folder: Path) -> None:
        with pytest.raises(ValueError, match=r"a\.html: only pictures"):
            task.attach("a.html", b"<html>")
        assert not Attachment.objects.exists()
        assert files(folder) == []


class TestRemove:
    def test_row_and_file_go_together(
        self, task: Task, folder: Path, django_capture_on_commit_callbacks: Any
    ) -> None:
        gone, kept = task.attach("a.txt", b"a"), task.attach("b.txt", b"b")
        with django_capture_on_commit_callbacks(execute=True):
            remove(Attachment.objects.filter(pk=gone.pk))
        assert Attachment.objects.get() == kept
        assert [path.read_bytes() for path in files(folder)] == [b"b"]

    def test_nothing_goes_with_a_transaction_that_fails(
        self, task: Task, folder: Path, django_capture_on_commit_callbacks: Any
    ) -> None:
        task.attach("a.txt", b"a")
        with django_capture_on_commit_callbacks(execute=True), transaction.atomic():
            remove(Attachment.objects.all())
            transaction.set_rollback(True)
        assert Attachment.objects.count() == 1
        assert len(files(folder)) == 1

    def test_a_file_that_is_missing_keeps_no_row_alive(
        self, task: Task, folder: Path, django_capture_on_commit_callbacks: Any
    ) -> None:
        task.attach("a.txt", b"a")
        files(folder)[0].unlink()
        with django_capture_on_commit_callbacks(execute=True):
            remove(Attachment.objects.all())
        assert not Attachment.objects.exists()

    def test_a_file_that_cannot_be_deleted_is_logged(
        self,
        task: Task,
        folder: Path,
        django_capture_on_commit_callbacks: Any,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        kept = task.attach("a.txt", b"a")
        files(folder)[0].unlink()
        (folder / str(kept.file) / "in the way").mkdir(parents=True)
        with django_capture_on_commit_callbacks(execute=True):
            remove(Attachment.objects.all())
        assert "Directory not empty" in caplog.text
        assert not Attachment.objects.exists()
