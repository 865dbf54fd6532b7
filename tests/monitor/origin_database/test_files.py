import json

import pytest

from docsviewer.models import Document
from sessions.models import ImportedFile
from tests.monitor.origin_database.origindb import at
from tests.monitor.origin_database.taken import counts, imported, moment

pytestmark = pytest.mark.django_db


class TestFilesAndDocuments:
    def test_a_file_is_taken_with_its_counts_and_tasks(self, origin):
        origin.task()
        origin.file(
            file_size=120,
            file_hash="abc",
            task_ids=json.dumps(["aaaaaa", "gone"]),
            operations=json.dumps({"read": 2, "edit": 1, "move": 4}),
        )
        report = imported(origin)
        file = ImportedFile.objects.get()
        assert (file.path, file.accesses, file.size, file.digest) == ("/w/x.py", 3, 120, "abc")
        assert (file.reads, file.writes, file.edits) == (2, 0, 1)
        assert (file.first_at, file.last_at) == (moment(), moment(9))
        assert [task.id for task in file.tasks.all()] == ["aaaaaa"]
        assert report.notes["ids at files that are no task's: passed over"] == 1

    def test_the_later_word_on_a_file_counts(self, origin):
        origin.file()
        imported(origin)
        origin.execute("UPDATE files SET access_count = 9, last_accessed = ?", at(20))
        imported(origin)
        assert ImportedFile.objects.get().accesses == 9
        origin.execute("UPDATE files SET access_count = 1, last_accessed = ?", at(2))
        imported(origin)
        assert ImportedFile.objects.get().accesses == 9

    @pytest.mark.parametrize(
        "wrong",
        [
            {"operations": "[]"},
            {"operations": '{"read": "two"}'},
            {"task_ids": "{}"},
            {"access_count": "many"},
            {"path": "x" * 501},
            {"first_seen": "yesterday"},
        ],
    )
    def test_a_file_that_cannot_be_read_is_left_out(self, origin, wrong):
        origin.file(**wrong)
        assert counts(imported(origin), "files") == (1, 0, 0, 0, 1)

    def test_documents_are_taken_with_their_state(self, origin):
        origin.task()
        origin.document(task_id="aaaaaa")
        origin.document("old.md", "archived", archived_at=at(4), notes="replaced")
        origin.document("gone.md", "deleted")
        imported(origin)
        assert Document.objects.get(path="API.md").task_id == "aaaaaa"
        old = Document.objects.get(path="old.md")
        assert (old.status, old.archived_at, old.notes) == ("archived", moment(4), "replaced")
        assert (old.created_at, old.updated_at) == (moment(), moment(5))
        assert Document.objects.get(path="gone.md").status == "deleted"

    def test_a_document_that_was_changed_here_since_stays(self, origin):
        origin.document()
        imported(origin)
        Document.objects.update(status="archived", updated_at=moment(100))
        imported(origin)
        assert Document.objects.get().status == "archived"

    def test_a_document_that_changed_there_since_changes_here(self, origin):
        origin.document()
        imported(origin)
        origin.execute("UPDATE documents SET status = 'deleted', updated_at = ?", at(50))
        imported(origin)
        assert Document.objects.get().status == "deleted"

    def test_a_document_in_an_unknown_state_is_left_out(self, origin):
        origin.document(status="lost")
        report = imported(origin)
        assert counts(report, "documents") == (1, 0, 0, 0, 1)
        assert "status" in report.left_out[0].cause
