"""A copy of all tables into a database of the other kind, or of the same where there is but one."""

from __future__ import annotations

import os
import shutil
import sqlite3
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
from django.contrib.auth.models import User
from django.db import OperationalError, connection, transaction
from django.utils import timezone
from model_bakery import baker

from costs import ledger, partitions
from costs.models import CostRecord, ImportedUsage, SpendingLimit, UsageImport
from docsviewer.models import Document
from monitor.management.commands.copy_database import forget_source
from monitor.models import ApiKey
from monitor.transfer.copying import hold_still
from monitor.transfer.source import as_default, open_source
from monitor.transfer.tables import columns, count, tables
from sessions.events import SessionEvent, ToolEnded, ToolStarted
from sessions.models import HookLog, ImportedFile, Session, SessionActivity
from sessions.recording import record
from tasks.models import Task
from tasks.reporting import report
from tests.costs.partitioned import on_postgresql
from tests.monitor.test_settings import manage

AT = datetime(2026, 3, 29, 1, 30, 0, 123456, UTC)
TEXT = "Ünïcode “quoted”, tab\t, line\n, \\N \\. 日本語 🦊"
JSON = {"text": TEXT, "none": None, "yes": True, "number": 1.5, "many": [1, {"a": []}], "": ""}


def fill() -> None:
    """Rows in every table, with all that a value can be."""
    User.objects.create_superuser("adäm", password="x", last_login=AT)
    baker.make(ApiKey, name=TEXT[:90], can_read=True, created_at=AT, expires_at=AT)
    report(task_id="t", at=AT, status="running", description=TEXT, message=TEXT, context=TEXT)
    report(task_id="t", at=AT + timedelta(seconds=1), status="failed", error=TEXT)
    baker.make(Task, id="done", status="completed", finished_at=AT, pid=2**40, created_at=AT)
    baker.make("tasks.Attachment", task_id="t", name=TEXT[:20], media_type="text/plain", size=2**40)
    call = {"session_key": "sö", "tool_name": "Edit"}
    for number in range(30):
        at = AT + timedelta(hours=number)
        told = call | {"tool_use_id": f"u{number}"}
        known = {"parameters": JSON | {"file_path": "/a.py"}, "task_id": "t"}
        record([ToolStarted(at=at, **told, **known)])
        if number % 3:
            ended = {"success": number % 2 == 0, "error": TEXT[: number % 2]}
            record([ToolEnded(at=at + timedelta(milliseconds=number**3), **told, **ended)])
    record([SessionEvent(session_key="child", at=AT, parent_key="sö", title=TEXT)])
    session = Session.objects.get(key="sö")
    baker.make(SessionActivity, session=session, time=AT, message=TEXT, metadata=JSON, event_id="e")
    baker.make(HookLog, session=session, offset=2**40, lines=3)
    baker.make(ImportedFile, path=TEXT, first_at=AT, last_at=AT).tasks.set(Task.objects.all())
    baker.make(Document, path="ä.md", status="archived", archived_at=AT, notes=TEXT, task_id="t")
    for number in range(50):
        told = {"model": ["haiku", "", "sonnet"][number % 3], "source_id": str(number)}
        ledger.record_usage(
            user_id=f"üser-{number % 4}",
            timestamp=timezone.now() - timedelta(hours=number**2, microseconds=number),
            input_tokens=number * 10**9,
            output_tokens=1,
            session_key="sö",
            **told,
        )
    ledger.seal(timezone.now() - timedelta(days=7))
    baker.make(SpendingLimit, user_id="üser-1", daily_limit_nano=0, last_warning_at=AT)
    baker.make(UsageImport, report=JSON, sha256="a" * 64)
    baker.make(ImportedUsage, requests=1, cost_nano=10**15, last_record=None)
    baker.make(ImportedUsage, user_id="2", requests=1, cost_nano=0, last_record=JSON)


@pytest.fixture
def source(process_settings: dict[str, str]) -> str:
    fill()
    return process_settings["DATABASE_URL"]


@contextmanager
def another(url: str, like: str = "template1") -> Iterator[str]:
    """The URL of one more database of the PostgreSQL at `url`, made like one that is there."""
    name = f"target_{uuid.uuid4().hex}"
    with psycopg.connect(url, autocommit=True) as server:
        server.execute(f"CREATE DATABASE {name} TEMPLATE {like}")  # type: ignore[arg-type]
        yield urlsplit(url)._replace(path=f"/{name}").geturl()
        server.execute(f"DROP DATABASE {name} WITH (FORCE)")  # type: ignore[arg-type]


@pytest.fixture
def file(migrated_file: Path, tmp_path: Path) -> str:
    return f"sqlite:///{shutil.copy(migrated_file, tmp_path / 'file.db')}"


@pytest.fixture(scope="module")
def migrated_on_postgresql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The name of a database with all tables and no rows."""
    with another(os.environ["DATABASE_URL"]) as url:
        data = str(tmp_path_factory.mktemp("data"))
        assert manage("migrate", DATABASE_URL=url, DATA_DIR=data).returncode == 0
        yield urlsplit(url).path[1:]


@pytest.fixture
def target(migrated_file: Path, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    """The URL of a database of the kind under test with all tables and no rows."""
    if connection.vendor == "sqlite":
        yield f"sqlite:///{shutil.copy(migrated_file, tmp_path / 'target.db')}"
        return
    like = request.getfixturevalue("migrated_on_postgresql")
    with another(os.environ["DATABASE_URL"], like) as url:
        yield url


@pytest.fixture
def new_target(tmp_path: Path) -> Iterator[str]:
    """The URL of a database of the kind under test without any table."""
    if connection.vendor == "sqlite":
        yield f"sqlite:///{tmp_path / 'new.db'}"
        return
    with another(os.environ["DATABASE_URL"]) as url:
        yield url


def copied(source: str, target: str, tmp_path: Path) -> Any:
    return manage(
        "copy_database", "--from", source, DATABASE_URL=target, DATA_DIR=str(tmp_path / "data")
    )


def rows() -> dict[str, list[Any]]:
    """All rows of all tables as Python sees them."""
    return {
        table._meta.db_table: [
            tuple(bytes(value) if isinstance(value, memoryview) else value for value in row)
            for row in table._base_manager.order_by("pk").values_list(
                *(field.attname for field in columns(table))
            )
        ]
        for table in tables()
    }


@contextmanager
def within(url: str) -> Iterator[None]:
    """Let this test work on that database."""
    other = open_source(url)
    other.alias = "default"
    try:
        with as_default(other):
            yield
    finally:
        forget_source()


def rows_of(url: str) -> dict[str, list[Any]]:
    with within(url):
        return rows()


class TestCopyDatabase:
    def test_every_row_and_figure_arrives_in_a_file_and_comes_back(
        self, source: str, file: str, new_target: str, tmp_path: Path
    ) -> None:
        before = rows()
        assert [table for table, kept in before.items() if not kept] == []
        for there, here in ((source, file), (file, new_target)):
            done = copied(there, here, tmp_path)
            assert (done.returncode, done.stderr) == (0, "")
            total = sum(map(len, before.values()))
            assert f"Proven: {total:,} rows with equal sums, 20 figures equal" in done.stdout
            after = rows_of(here)
            for table, kept in before.items():
                assert after[table] == kept, table

    @on_postgresql
    def test_a_ledger_in_partitions_is_copied_from_and_to(
        self, source: str, file: str, target: str, tmp_path: Path
    ) -> None:
        divide = {"DATABASE_URL": target, "DATA_DIR": str(tmp_path / "data")}
        assert manage("partitions", **divide).returncode == 0
        before = rows()
        last = str(tmp_path / "last.db")
        for there, here in ((source, target), (target, f"sqlite:///{last}")):
            done = copied(there, here, tmp_path)
            assert (done.returncode, done.stderr) == (0, "")
            assert rows_of(here) == before
        with within(target):
            assert partitions.is_partitioned()
            made = baker.make(CostRecord, user_id="new", timestamp=AT, cost_nano=1, source="x")
            assert made.pk == CostRecord.objects.exclude(pk=made.pk).latest("id").pk + 1

    @on_postgresql
    def test_no_table_is_changed_while_it_is_read(self, transactional_db: None) -> None:
        """Its first row may be asked for long after the state that is copied."""
        lock = f"BEGIN; LOCK TABLE {CostRecord._meta.db_table} IN ACCESS EXCLUSIVE MODE NOWAIT"
        with transaction.atomic(), closing(connection.copy()) as other:
            hold_still(connection)
            with other.cursor() as cursor, pytest.raises(OperationalError, match="obtain lock"):
                cursor.execute(lock)

    def test_new_rows_get_new_keys(self, source: str, target: str, tmp_path: Path) -> None:
        copied(source, target, tmp_path)
        last = CostRecord.objects.latest("id").pk
        with within(target):
            made = baker.make(CostRecord, user_id="new", timestamp=AT, cost_nano=1, source="x")
            assert made.pk == last + 1

    def test_a_target_with_records_is_refused(
        self, source: str, target: str, tmp_path: Path
    ) -> None:
        assert copied(source, target, tmp_path).returncode == 0
        before = rows_of(target)
        done = copied(source, target, tmp_path)
        assert done.returncode == 1
        assert "holds records already: 1 in auth_user. Copy into an empty one." in done.stderr
        assert rows_of(target) == before

    def test_a_fault_on_the_way_leaves_the_target_without_records(
        self, source: str, file: str, target: str, tmp_path: Path
    ) -> None:
        """The last of all tables is not there."""
        assert copied(source, file, tmp_path).returncode == 0
        last = tables()[-1]._meta
        with closing(sqlite3.connect(file.removeprefix("sqlite:///"))) as database:
            database.execute(f"DROP TABLE {last.db_table}")
        done = copied(file, target, tmp_path)
        assert done.returncode == 1
        assert len(done.stderr.splitlines()) == 1
        assert not any(rows_of(target).values())

    def test_a_wrong_ledger_is_not_passed_on(
        self, source: str, target: str, tmp_path: Path
    ) -> None:
        CostRecord.objects.earliest("timestamp").delete()
        done = copied(source, target, tmp_path)
        assert done.returncode == 1
        assert "The ledger is wrong: ModelHour equals the records. Run check_ledger" in done.stderr
        assert not any(rows_of(target).values())

    @pytest.mark.parametrize(
        ("url", "told"),
        [
            ("sqlite:////no/such/file.db", "there is no file /no/such/file.db."),
            ("mysql://host/name", "must begin with sqlite:/// or postgres://."),
            ("nonsense", "must begin with sqlite:/// or postgres://."),
        ],
    )
    def test_a_source_that_is_none_is_one_line(
        self, target: str, tmp_path: Path, url: str, told: str
    ) -> None:
        done = copied(url, target, tmp_path)
        assert done.returncode == 1
        assert told in done.stderr
        assert len(done.stderr.splitlines()) == 1

    def test_the_source_may_not_be_the_target(self, source: str, tmp_path: Path) -> None:
        done = copied(source, source, tmp_path)
        assert done.returncode == 1
        assert "--from names the database that DATABASE_URL does." in done.stderr

    def test_a_source_of_another_version_is_refused(
        self, source: str, file: str, target: str, tmp_path: Path
    ) -> None:
        assert copied(source, file, tmp_path).returncode == 0
        with closing(sqlite3.connect(file.removeprefix("sqlite:///"))) as database:
            database.execute("DELETE FROM django_migrations WHERE app = 'costs'")
            database.commit()
        done = copied(file, target, tmp_path)
        assert done.returncode == 1
        assert "is of another version: migrate it first" in done.stderr


class TestTables:
    def test_no_table_of_the_project_is_left_out(self, db: None) -> None:
        copied = {table._meta.db_table for table in tables()}
        own = ("costs_", "agent_sessions_", "tasks_", "docsviewer_", "monitor_")
        known = connection.introspection.django_table_names(only_existing=True)
        there = {name for name in known if name.startswith(own)}
        assert there - copied == set()
        assert count(connection, tables()[0]) == 0
