import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.db import connection
from model_bakery import baker

from docsviewer.models import Document
from sessions.models import ImportedFile, Session, ToolCall, ToolDay
from tasks import pruning
from tasks.models import ACTIVE, FINISHED, Activity, Attachment, Status, Task
from tasks.pruning import prune

ROOT = Path(__file__).parents[2]
NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
BEFORE = NOW - timedelta(days=90)
INSTANT = timedelta(microseconds=1)


def task(updated_at: datetime = BEFORE - INSTANT, **fields: Any) -> Task:
    status = fields.setdefault("status", Status.COMPLETED)
    end = {"finished_at": updated_at} if status in FINISHED else {}
    return baker.make(Task, **({"updated_at": updated_at} | end | fields))


def session(**fields: Any) -> Session:
    return baker.make(Session, started_at=BEFORE, last_activity_at=BEFORE, **fields)


def call(of: Session) -> ToolCall:
    return baker.make(ToolCall, session=of, started_at=BEFORE, tool_name="Bash")


@pytest.mark.django_db
class TestPrune:
    @pytest.mark.parametrize("status", FINISHED)
    def test_finished_tasks_go_by_their_last_news(self, status: Status) -> None:
        task(status=status)
        kept = task(BEFORE, status=status)
        assert list(prune(BEFORE)) == [1]
        assert Task.objects.get() == kept

    @pytest.mark.parametrize("status", ACTIVE)
    def test_active_tasks_never_go(self, status: Status) -> None:
        task(status=status)
        assert list(prune(BEFORE)) == []

    def test_everything_of_a_task_goes_with_it_and_nothing_else(
        self, folder: Path, django_capture_on_commit_callbacks: Any
    ) -> None:
        for one in (task(id="old"), task(BEFORE, id="new")):
            one.attach("a.txt", one.id.encode())
            one.activity.create(time=BEFORE, message="a")
            of = session(task=one)
            call(of)
            call(session(parent=of))
            baker.make(ImportedFile, path=one.id).tasks.add(one)
            baker.make(Document, path=f"{one.id}.md", task=one)
        baker.make(ToolDay, tool_name="Bash", day=BEFORE.date(), calls=4, failures=0)
        with django_capture_on_commit_callbacks(execute=True):
            assert list(prune(BEFORE)) == [1]
        assert {row.task_id for row in (*Activity.objects.all(), *Attachment.objects.all())} == {
            "new"
        }
        assert [path.read_bytes() for path in folder.iterdir()] == [b"new"]
        assert ToolCall.objects.count() == Session.objects.count() == 2
        assert ToolDay.objects.get().calls == 4
        assert [file.tasks.count() for file in ImportedFile.objects.order_by("path")] == [1, 0]
        assert [page.task_id for page in Document.objects.order_by("path")] == ["new", None]

    def test_each_batch_is_told_and_the_oldest_goes_first(self) -> None:
        for day in range(5):
            task(BEFORE - timedelta(days=day + 1), id=f"{day}")
        batches = prune(BEFORE, batch=2)
        assert next(batches) == 2
        assert set(Task.objects.values_list("id", flat=True)) == {"0", "1", "2"}
        assert list(batches) == [2, 1]

    def test_a_batch_ends_after_a_moment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for day in range(25):
            task(BEFORE - timedelta(days=day + 1))
        monkeypatch.setattr(pruning, "MOMENT", -1)
        assert list(prune(BEFORE)) == [10, 10, 5]

    def test_ten_tasks_take_as_many_statements_as_one_however_many_calls(
        self, django_assert_num_queries: Any
    ) -> None:
        for tasks, calls in [(1, 1), (10, 20)]:
            for number in range(tasks):
                of = session(task=task(), key=f"{tasks}-{number}")
                baker.make(ToolCall, session=of, started_at=BEFORE, _quantity=calls)
            with django_assert_num_queries(23):
                assert list(prune(BEFORE)) == [tasks]


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL uses freed pages again")
class TestGivingBack:
    def free_pages(self) -> int:
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA freelist_count")
            pages: int = cursor.fetchone()[0]
            return pages

    def test_freed_pages_go_back_to_the_disk(self) -> None:
        for _ in range(50):
            task(context="x" * 20_000)
        Task.objects.all().delete()
        assert self.free_pages() >= 200
        for _ in range(50):
            task(context="x" * 20_000)
        assert sum(prune(BEFORE)) == 50
        assert self.free_pages() == 0


@pytest.mark.django_db
class TestPruneTasks:
    @pytest.fixture(autouse=True)
    def now(self) -> Any:
        with time_machine.travel(NOW, tick=False):
            yield

    def test_it_keeps_ninety_days_by_default_and_says_what_it_did(self, capsys: Any) -> None:
        task()
        kept = task(BEFORE)
        call_command("prune_tasks")
        assert capsys.readouterr().out == (
            "Done: 1 tasks without news since 2026-03-03 12:00 UTC deleted;"
            " the sums of their tool calls stay in the history.\n"
        )
        assert Task.objects.get() == kept

    def test_a_dry_run_deletes_nothing(self, capsys: Any) -> None:
        task(NOW - timedelta(days=6))
        call_command("prune_tasks", "--days", "5", "--dry-run")
        assert capsys.readouterr().out == (
            "1 tasks without news since 2026-05-27 12:00 UTC would go.\n"
        )
        assert Task.objects.exists()

    @pytest.mark.parametrize(
        ("arguments", "cause"),
        [
            (["--days", "-1"], "a whole number of days from 0 to 36500"),
            (["--days", "x"], "a whole number of days from 0 to 36500"),
            (["--days", "36501"], "a whole number of days from 0 to 36500"),
            (["--days", "²"], "a whole number of days from 0 to 36500"),
            (["--batch", "0"], "a whole number from 1 to 10000"),
            (["--batch", "10001"], "a whole number from 1 to 10000"),
        ],
    )
    def test_a_wrong_number_is_refused(self, arguments: list[str], cause: str) -> None:
        with pytest.raises(CommandError, match=cause):
            call_command("prune_tasks", *arguments)

    def test_the_longest_time_is_not_too_long(self, capsys: Any) -> None:
        call_command("prune_tasks", "--days", "36500")
        assert capsys.readouterr().out.startswith("Done: 0 tasks")


class TestAsAProcess:
    @pytest.mark.django_db(transaction=True)
    def test_it_stops_cleanly_when_asked_to_and_goes_on_later(
        self, process_settings: dict[str, str]
    ) -> None:
        at = datetime(2020, 1, 1, tzinfo=UTC)
        rows = (
            Task(id=f"{n}", status=Status.COMPLETED, updated_at=at, finished_at=at)
            for n in range(3_000)
        )
        Task.objects.bulk_create(rows)
        command = [sys.executable, "manage.py", "prune_tasks", "--batch", "1"]
        with subprocess.Popen(
            command, cwd=ROOT, env=process_settings, stdout=subprocess.PIPE, text=True
        ) as process:
            wait_until(lambda: Task.objects.count() < 2_990)
            process.send_signal(signal.SIGTERM)
            out, _ = process.communicate(timeout=20)
        left = Task.objects.count()
        assert process.returncode == 0
        assert out.startswith(f"Stopped: {3_000 - left:,} tasks without news since")
        assert 0 < left < 2_990
        call_command("prune_tasks", "--batch", "1000")
        assert not Task.objects.exists()

    @pytest.mark.parametrize("command", ["prune_tasks", "prune_sessions", "fail_stale_tasks"])
    def test_a_database_without_tables_is_one_line(self, command: str, tmp_path: Path) -> None:
        done = subprocess.run(
            [sys.executable, "manage.py", command],
            capture_output=True,
            text=True,
            cwd=ROOT,
            env={"DATA_DIR": str(tmp_path), "PATH": ""},
        )
        assert done.returncode == 1
        assert "It must be migrated (manage.py migrate)" in done.stderr
        assert len(done.stderr.splitlines()) == 1


def wait_until(condition: Callable[[], bool]) -> None:
    """Poll, closing the view each time, so that the commits of other processes are seen."""
    for _ in range(5_000):
        if condition():
            return
        connection.close()
    raise AssertionError("it did not happen")
