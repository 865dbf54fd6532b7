import pytest
from django.db import IntegrityError, transaction
from model_bakery import baker
from pytest_django import DjangoAssertNumQueries

from docsviewer.models import Document
from records.faults import Invalid
from tasks.models import Task

pytestmark = pytest.mark.django_db


def document(path: str = "guide.md", **fields: object) -> Document:
    return baker.make(Document, path=path, **fields)


class TestDocument:
    def test_it_refuses_a_path_that_is_blank_or_known(self) -> None:
        document()
        for path, cause in [("", "has_path"), ("guide.md", "path")]:
            with pytest.raises(IntegrityError, match=cause), transaction.atomic():
                document(path)

    def test_it_outlives_its_task(self) -> None:
        kept = document(task=baker.make(Task))
        Task.objects.all().delete()
        kept.refresh_from_db()
        assert kept.task_id is None
        assert str(kept) == "guide.md"


class TestArchive:
    def test_it_goes_there_and_back_again(self) -> None:
        archived = Document.objects.archive("guide.md", "Old")
        assert (archived.status, archived.notes) == ("archived", "Old")
        assert archived.archived_at == archived.updated_at
        restored = Document.objects.restore("guide.md")
        assert (restored.status, restored.archived_at, restored.notes) == ("active", None, "Old")
        assert Document.objects.get() == restored

    def test_each_way_can_be_gone_once(self) -> None:
        with pytest.raises(Document.NotAllowed, match="active already"):
            Document.objects.restore("guide.md")
        assert not Document.objects.exists()
        Document.objects.archive("guide.md")
        with pytest.raises(Document.NotAllowed, match="archived already"):
            Document.objects.archive("guide.md")
        Document.objects.restore("guide.md")
        with pytest.raises(Document.NotAllowed, match="active already"):
            Document.objects.restore("guide.md")

    def test_a_file_that_was_once_deleted_is_active(self) -> None:
        document(status="deleted")
        assert Document.objects.archive("guide.md").is_archived

    def test_its_task_stays(self) -> None:
        task = baker.make(Task)
        document(task=task)
        assert Document.objects.archive("guide.md").task_id == task.id

    @pytest.mark.parametrize("notes", ["x" * 2_001, "a\0b"])
    def test_notes_that_cannot_be_kept_change_nothing(self, notes: str) -> None:
        with pytest.raises(Invalid, match="notes: at most 2,000"):
            Document.objects.archive("guide.md", notes)
        assert not Document.objects.exists()

    def test_a_path_that_cannot_be_kept_is_refused(self) -> None:
        with pytest.raises(Document.NotAllowed, match="more than 500"):
            Document.objects.archive(f"{'x' * 498}.md")
        assert Document.objects.archive(f"{'x' * 497}.md").is_archived


class TestKnown:
    def test_it_tells_of_each_path_in_one_query(
        self, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        for path in ("a.md", "b.md"):
            Document.objects.archive(path)
        with django_assert_num_queries(1):
            known = Document.objects.known()
            assert [(path, known[path].is_archived) for path in sorted(known)] == [
                ("a.md", True),
                ("b.md", True),
            ]
