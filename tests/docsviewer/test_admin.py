import re
from datetime import UTC, datetime

import pytest
from django.apps import apps
from django.test import Client
from model_bakery import baker

from docsviewer.models import Document
from tests.tasks.admin_pages import (
    HOSTILE,
    INLINE,
    address,
    assert_nobody_changes,
    body,
    detail,
    listed,
    staff,
    statements,
    unbounded_counts,
)

NOON = datetime(2026, 3, 15, 12, tzinfo=UTC)
DOCUMENTS = address(Document)

pytestmark = pytest.mark.django_db


def document(path: str = "guide.md", **fields: object) -> Document:
    return baker.make(Document, path=path, updated_at=NOON, **fields)


@pytest.fixture
def reader(client: Client) -> Client:
    return staff(client, Document)


class TestDocuments:
    def test_every_page_needs_permission(self, client: Client) -> None:
        pages = [DOCUMENTS, detail(document())]
        assert {client.get(page).status_code for page in pages} == {302}
        staff(client)
        assert {client.get(page).status_code for page in pages} == {403}
        staff(client, Document)
        assert {client.get(page).status_code for page in pages} == {200}

    def test_every_model_has_a_page(self) -> None:
        assert {Document} == set(apps.get_app_config("docsviewer").get_models())

    def test_not_even_an_administrator_changes_records(self, admin_client: Client) -> None:
        assert_nobody_changes(admin_client, document(notes="kept"))

    def test_the_list_shows_what_is_known_of_each(self, reader: Client) -> None:
        document(status="archived", task_id="unknown", archived_at=NOON)
        html = body(reader, DOCUMENTS)
        assert listed(reader, DOCUMENTS, "status") == ["Archived"]
        assert '<a href="/admin/tasks/task/unknown/change/">unknown</a>' in html
        assert html.count("2026-03-15 12:00:00") == 2

    def test_search_takes_a_whole_path_or_task(self, reader: Client) -> None:
        for path, task_id in [("a.md", "1"), ("aa.md", "12")]:
            document(path, task_id=task_id)
        assert listed(reader, f"{DOCUMENTS}?q=a.md", "column")[0] == "a.md"
        assert listed(reader, f"{DOCUMENTS}?q=12", "column")[0] == "aa.md"
        assert listed(reader, f"{DOCUMENTS}?q=md", "column") == []

    def test_hostile_names_are_only_text(self, reader: Client) -> None:
        for page in (detail(document(HOSTILE, notes=HOSTILE)), DOCUMENTS):
            html = body(reader, page)
            assert "&lt;script&gt;alert" in html
            assert "<script>alert" not in html
            assert not re.search(INLINE, html)

    def test_nothing_is_counted_to_its_end(self, reader: Client) -> None:
        document()
        made = statements(reader, DOCUMENTS)
        assert (len(made), unbounded_counts(made)) == (6, [])
