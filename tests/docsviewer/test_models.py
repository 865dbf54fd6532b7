import pytest
from django.db import IntegrityError, transaction
from model_bakery import baker

from docsviewer.models import Document
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
