import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.apps import apps
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.db.models import Model
from django.test import Client
from model_bakery import baker

from records import admin as records
from tasks.files import MAX_SIZE
from tasks.models import Activity, Attachment, Status, Task
from tests.tasks.admin_pages import (
    HOSTILE,
    INLINE,
    address,
    assert_nobody_changes,
    body,
    detail,
    listed,
    plan,
    staff,
    statements,
    unbounded_counts,
)
from tests.tasks.test_files import PNG

NOON = datetime(2026, 3, 15, 12, tzinfo=UTC)
TASKS, LOG, FILES = address(Task), address(Activity), address(Attachment)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("folder")]


def task(id: str = "one", at: datetime = NOON, **fields: Any) -> Task:
    return baker.make(Task, id=id, **({"created_at": at, "updated_at": at} | fields))


def one_of(model: type[Model]) -> Model:
    made = task()
    makers: dict[type[Model], Callable[[], Model]] = {
        Task: lambda: made,
        Activity: lambda: made.activity.create(time=NOON, message="begun"),
        Attachment: lambda: made.attach("a.txt", b"text"),
    }
    return makers[model]()


@pytest.fixture
def reader(client: Client) -> Client:
    return staff(client, Task, Activity, Attachment)


class TestPermission:
    @pytest.mark.parametrize("model", [Task, Activity, Attachment])
    def test_every_page_needs_it(self, client: Client, model: type[Model]) -> None:
        pages = [address(model), detail(one_of(model))]
        assert {client.get(page).status_code for page in pages} == {302}
        staff(client)
        assert {client.get(page).status_code for page in pages} == {403}
        staff(client, model)
        assert {client.get(page).status_code for page in pages} == {200}

    def test_every_model_has_a_page(self) -> None:
        assert {Task, Activity, Attachment} == set(apps.get_app_config("tasks").get_models())

    @pytest.mark.parametrize("model", [Task, Activity])
    def test_not_even_an_administrator_changes_records(
        self, admin_client: Client, model: type[Model]
    ) -> None:
        assert_nobody_changes(admin_client, one_of(model))

    @pytest.mark.parametrize("model", [Task, Activity, Attachment])
    def test_nothing_in_the_pages_is_inline(self, reader: Client, model: type[Model]) -> None:
        for page in (address(model), detail(one_of(model))):
            assert not re.search(INLINE, body(reader, page))


class TestTasks:
    def test_the_list_shows_the_newest_first_with_times_in_utc(
        self, reader: Client, settings: Any
    ) -> None:
        settings.TIME_ZONE = "Asia/Tokyo"
        task("old", finished_at=NOON + timedelta(seconds=1), status=Status.FAILED)
        task("new", NOON + timedelta(days=1))
        assert listed(reader, TASKS, "id") == ["new", "old"]
        assert listed(reader, TASKS, "column") == [
            *["-", "2026-03-16 12:00:00", "2026-03-16 12:00:00", "-"],
            *["-", "2026-03-15 12:00:00", "2026-03-15 12:00:00", "2026-03-15 12:00:01"],
        ]

    def test_a_long_description_is_cut_short_in_the_list_alone(self, reader: Client) -> None:
        one = task(description="x" * 100)
        assert listed(reader, TASKS, "column")[0] == "x" * 79 + "…"
        assert "x" * 100 in body(reader, detail(one))

    def test_hostile_names_are_only_text(self, reader: Client) -> None:
        one = task(user_id=HOSTILE, description=HOSTILE, model=HOSTILE, error=HOSTILE)
        Activity.objects.create(task_id=HOSTILE, time=NOON, message=HOSTILE, status="")
        for page in (TASKS, detail(one), LOG, detail(Activity.objects.get())):
            html = body(reader, page)
            assert "&lt;script&gt;alert" in html
            assert "<script>alert" not in html

    @pytest.mark.parametrize("id", ["a/b", 'x"y', "a b", "_2F", "ü"])
    def test_any_id_leads_to_its_page(self, reader: Client, id: str) -> None:
        task(id)
        (link,) = re.findall(r'<th class="field-id"><a href="([^"]*)"', body(reader, TASKS))
        assert 'class="readonly"' in body(reader, link)

    def test_search_takes_a_whole_id_or_user_id(self, reader: Client) -> None:
        task("a1", user_id="bob")
        task("a12", user_id="bobby")
        task("bob")
        assert listed(reader, f"{TASKS}?q=a1", "id") == ["a1"]
        assert set(listed(reader, f"{TASKS}?q=bob", "id")) == {"a1", "bob"}
        assert listed(reader, f"{TASKS}?q=BOB", "id") == []
        assert listed(reader, f"{TASKS}?q=%25", "id") == []

    def test_filters_narrow_by_status_and_period(self, reader: Client) -> None:
        with time_machine.travel(NOON, tick=False):
            for days in (0, 1, 7, 30, 31):
                task(f"{days}", NOON - timedelta(days=days))
            task("failed", status=Status.FAILED, finished_at=NOON)
            shown = {
                name: len(listed(reader, f"{TASKS}?period={name}", "id"))
                for name in ("24h", "7d", "30d")
            }
            assert shown == {"24h": 3, "7d": 4, "30d": 5}
            query = f"{TASKS}?period=24h&status__exact=failed"
            assert listed(reader, query, "id") == ["failed"]

    def test_a_period_that_does_not_exist_is_refused(self, reader: Client) -> None:
        response = reader.get(f"{TASKS}?period=1y")
        assert (response.status_code, response["Location"]) == (302, f"{TASKS}?e=1")

    def test_the_page_of_a_task_shows_all_but_what_only_merging_needs(self, reader: Client) -> None:
        html = body(reader, detail(task(workspace="/srv/project", facts_at={"pid": "then"})))
        assert "/srv/project" in html
        assert "then" not in html


class TestQuickness:
    """On a table of millions: nothing is counted, sorted or read to its end."""

    @pytest.mark.parametrize(("url", "queries"), [(TASKS, 6), (LOG, 6), (FILES, 6)])
    def test_a_list_takes_as_many_statements_for_many_rows_as_for_one(
        self, reader: Client, url: str, queries: int
    ) -> None:
        one = task()
        for number in range(120):
            task(f"{number}")
            one.activity.create(time=NOON, message=f"{number}")
            baker.make(Attachment, task=one)
            if number in (0, 119):
                made = statements(reader, url)
                assert (len(made), unbounded_counts(made)) == (queries, [])

    def test_a_count_is_broken_off(self, reader: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(records, "COUNTED", 100)
        for number in range(100):
            task(f"{number}")
        assert "100 tasks" in body(reader, TASKS)
        task("one more")
        assert "100+ tasks" in body(reader, TASKS)

    def test_no_choice_of_a_filter_is_counted(self, reader: Client) -> None:
        task()
        assert "_facets" not in body(reader, TASKS)
        assert "Pending (1)" not in body(reader, f"{TASKS}?_facets=True")

    def plan_of(self, reader: Client, url: str) -> str:
        one = task()
        one.activity.create(time=NOON, message="a")
        one.attach("a.txt", b"a")
        (page,) = (sql for sql in statements(reader, url) if "ORDER BY" in sql and "tasks_" in sql)
        return plan(page)

    @pytest.mark.skipif(connection.vendor != "sqlite", reason="reads SQLite plans")
    @pytest.mark.parametrize(
        ("query", "index"),
        [
            ("", "task_created_between"),
            ("?period=24h", "task_created_between"),
            ("?o=-6", "task_last_change"),
        ],
    )
    def test_tasks_are_read_in_the_order_of_an_index(
        self, reader: Client, query: str, index: str
    ) -> None:
        how = self.plan_of(reader, f"{TASKS}{query}")
        assert index in how
        assert "TEMP B-TREE FOR ORDER BY" not in how

    @pytest.mark.skipif(connection.vendor != "sqlite", reason="reads SQLite plans")
    @pytest.mark.parametrize("url", [LOG, FILES])
    def test_what_belongs_to_a_task_is_sought(self, reader: Client, url: str) -> None:
        assert "SEARCH" in self.plan_of(reader, f"{url}?q=one")


class TestActivity:
    def test_the_log_shows_the_newest_row_first_and_names_the_task(self, reader: Client) -> None:
        for message in ("first", "second"):
            Activity.objects.create(task_id="not known yet", time=NOON, message=message)
        html = body(reader, LOG)
        assert html.index("second") < html.index("first")
        assert '<a href="/admin/tasks/task/not%20known%20yet/change/">not known yet</a>' in html

    def test_search_takes_a_whole_task_id(self, reader: Client) -> None:
        for id in ("a", "ab"):
            Activity.objects.create(task_id=id, time=NOON, message=f"of {id}")
        html = body(reader, f"{LOG}?q=a")
        assert "of a<" in html
        assert "of ab" not in html

    def test_metadata_is_shown_in_lines(self, reader: Client) -> None:
        told = {"ok": [True, None], "tool": "<b>"}
        line = Activity.objects.create(task_id="a", time=NOON, metadata=told)
        assert (
            "<pre>{\n  &quot;ok&quot;: [\n    true,\n    null\n  ],\n"
            "  &quot;tool&quot;: &quot;&lt;b&gt;&quot;\n}</pre>"
        ) in body(reader, detail(line))


class TestAttachments:
    @pytest.fixture
    def owner(self, client: Client) -> Client:
        return staff(client, Attachment, deeds=("view", "add", "delete"))

    def add(self, client: Client, name: str, content: bytes, id: str = "one") -> dict[str, Any]:
        """The errors of the form; none when it was saved."""
        sent = {"task": id, "file": SimpleUploadedFile(name, content)}
        response = client.post(f"{FILES}add/", sent)
        return {} if response.status_code == 302 else response.context["adminform"].errors

    @pytest.mark.parametrize(
        ("name", "content", "kind", "media_type"),
        [
            ("shot.png", PNG, "screenshot", "image/png"),
            ("plan.md", b"# Plan", "document", "text/markdown"),
            ("lies.txt", PNG, "screenshot", "image/png"),
            ("x" * 196 + ".txt", b"text", "document", "text/plain"),
        ],
    )
    def test_a_file_tells_itself_what_it_is(
        self, owner: Client, folder: Path, name: str, content: bytes, kind: str, media_type: str
    ) -> None:
        one = task()
        assert self.add(owner, name, content) == {}
        kept = Attachment.objects.get()
        assert (kept.task, kept.name, kept.size) == (one, name, len(content))
        assert (kept.kind, kept.media_type) == (kind, media_type)
        (path,) = folder.iterdir()
        assert path.read_bytes() == content
        assert len(path.name) == 32

    @pytest.mark.parametrize(
        ("name", "content", "error"),
        [
            ("a.html", b"<html>", "a.html: only pictures"),
            ("a.svg", b"<svg/>", "a.svg: only pictures"),
            ("a.txt", b"\0", "a.txt: only pictures"),
            ("a.txt", b"a" * (MAX_SIZE + 1), "a.txt: a file has at most 10 MiB."),
            ("a.txt", b"", "The submitted file is empty."),
        ],
    )
    def test_a_file_that_is_refused_is_an_error_of_the_form(
        self, owner: Client, folder: Path, name: str, content: bytes, error: str
    ) -> None:
        task()
        (told,) = self.add(owner, name, content)["file"]
        assert told.startswith(error)
        assert not Attachment.objects.exists()
        assert not folder.exists()

    def test_an_unknown_task_is_an_error_of_the_form(self, owner: Client) -> None:
        assert list(self.add(owner, "a.txt", b"a", id="unknown")) == ["task"]

    def test_the_form_asks_for_task_and_file_alone(self, owner: Client) -> None:
        html = body(owner, f"{FILES}add/")
        assert 'type="text" name="task"' in html
        assert 'type="file" name="file"' in html
        assert 'name="kind"' not in html
        assert not re.search(INLINE, html)

    def test_one_goes_with_its_file(
        self, owner: Client, folder: Path, django_capture_on_commit_callbacks: Any
    ) -> None:
        one = task()
        gone, chosen = one.attach("a.txt", b"a"), one.attach("b.txt", b"b")
        with django_capture_on_commit_callbacks(execute=True):
            owner.post(detail(gone, "delete"), {"post": "yes"})
        assert [path.read_bytes() for path in folder.iterdir()] == [b"b"]
        with django_capture_on_commit_callbacks(execute=True):
            ticked = {"action": "delete_selected", "_selected_action": chosen.pk, "post": "yes"}
            owner.post(FILES, ticked)
        assert list(folder.iterdir()) == []
        assert not Attachment.objects.exists()

    def test_what_it_holds_stays_as_it_is(self, owner: Client) -> None:
        kept = task().attach("a.txt", b"a")
        before = Attachment.objects.values().get()
        staff(owner, Attachment, deeds=("view", "add", "change", "delete"))
        assert owner.post(detail(kept), {"task": "one", "name": "b"}).status_code == 403
        assert Attachment.objects.values().get() == before

    def test_reading_alone_gives_no_leave_to_add_or_delete(self, reader: Client) -> None:
        kept = task().attach("a.txt", b"a")
        assert reader.get(f"{FILES}add/").status_code == 403
        assert reader.post(detail(kept, "delete"), {"post": "yes"}).status_code == 403
        assert Attachment.objects.exists()

    def test_hostile_names_are_only_text(self, reader: Client) -> None:
        kept = task().attach(f"{HOSTILE}.txt", b"a")
        for page in (FILES, detail(kept)):
            html = body(reader, page)
            assert "&lt;script&gt;alert" in html
            assert "<script>alert" not in html

    def test_its_name_on_the_disk_is_nobodys_concern(self, reader: Client) -> None:
        kept = task().attach("a.txt", b"a")
        assert str(kept.file) not in body(reader, detail(kept))
