from __future__ import annotations

import shutil
import sqlite3
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone
from model_bakery import baker

from costs import ledger
from monitor.version import Watch, version
from sessions.models import Session, ToolCall
from tasks.models import Task

CHANGES: list[Callable[[], Any]] = [
    lambda: ledger.record_usage(user_id="1", model="x", input_tokens=1, output_tokens=1),
    lambda: baker.make(Task),
    lambda: Task.objects.get(id="known").complete(),
    lambda: Task.objects.filter(id="known").update(description="new"),
    lambda: Task.objects.get(id="known").delete(),
    lambda: ToolCall.objects.update(success=True, finished_at=timezone.now()),
    lambda: Session.objects.update(title="new"),
]


@pytest.mark.django_db(transaction=True)
class TestVersion:
    @pytest.mark.parametrize("change", CHANGES)
    def test_it_changes_with_every_commit(self, change: Callable[[], Any]) -> None:
        baker.make(Task, id="known")
        baker.make(ToolCall, started_at=timezone.now())
        before = version()
        assert version() == before
        change()
        after = version()
        assert after != before
        assert version() == after

    def test_a_text_read_before_the_commit_is_not_that_after_it(self) -> None:
        with transaction.atomic():
            baker.make(Task)
            before = version()
        assert version() != before

    def test_it_asks_one_question_at_most(self, django_assert_num_queries: Any) -> None:
        with django_assert_num_queries(0 if connection.vendor == "sqlite" else 1):
            version()

    def test_it_may_be_asked_for_by_many_threads(self) -> None:
        if connection.vendor != "sqlite":
            pytest.skip("on PostgreSQL each thread has a connection of its own")
        found: list[str] = []
        threads = [threading.Thread(target=lambda: found.append(version())) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(found) == 8
        assert len(set(found)) == 1


class TestWatch:
    @pytest.fixture
    def watch(self) -> Iterator[Watch]:
        watch = Watch()
        yield watch
        watch.close()

    @pytest.fixture
    def path(self, tmp_path: Path) -> Path:
        return self.made(tmp_path / "a b#?.db")

    def made(self, path: Path) -> Path:
        self.write(path, "CREATE TABLE t (n)")
        return path

    def write(self, path: Path, statement: str = "INSERT INTO t VALUES (1)") -> None:
        with sqlite3.connect(path) as database:
            database.execute(statement)
        database.close()

    def test_it_tells_of_each_commit(self, watch: Watch, path: Path) -> None:
        texts = [watch.version(str(path))]
        for _ in range(3):
            self.write(path)
            texts.append(watch.version(str(path)))
        assert len(set(texts)) == 4
        assert watch.version(str(path)) == texts[-1]

    def test_another_file_has_other_texts(self, watch: Watch, path: Path, tmp_path: Path) -> None:
        other = self.made(tmp_path / "other.db")
        texts = {watch.version(str(file)) for file in (path, other, path)}
        assert len(texts) == 3

    def test_a_file_put_in_its_place_has_other_texts(
        self, watch: Watch, path: Path, tmp_path: Path
    ) -> None:
        before = watch.version(str(path))
        shutil.copyfile(path, tmp_path / "restored.db").replace(path)
        after = watch.version(str(path))
        assert after != before
        self.write(path)
        assert watch.version(str(path)) != after

    def test_no_other_process_has_the_same_text(self, watch: Watch, path: Path) -> None:
        other = Watch()
        assert other.version(str(path)) != watch.version(str(path))
        other.close()

    def test_it_makes_no_file(self, watch: Watch, tmp_path: Path) -> None:
        with pytest.raises(FileNotFoundError):
            watch.version(str(tmp_path / "missing.db"))
        assert list(tmp_path.iterdir()) == []

    def test_closed_twice_it_opens_again(self, watch: Watch, path: Path) -> None:
        before = watch.version(str(path))
        watch.close()
        watch.close()
        assert watch.version(str(path)) != before
