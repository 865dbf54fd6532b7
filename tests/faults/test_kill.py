"""kill -9 at any moment of what writes most; each seed is fixed, so that a failure comes again."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.utils import timezone

from costs import audit, partitions, windows
from costs.ledger import record_many, seal
from costs.models import CostRecord, ImportedUsage
from costs.usage import Usage
from costs.windows import EPOCH, FOREVER
from monitor.management.commands.copy_database import forget_source
from monitor.transfer.source import as_default, open_source
from sessions.events import ToolEnded
from sessions.models import ToolCall
from sessions.recording import record
from tests.faults.conftest import Databases
from tests.faults.mortal import Job, Mortals
from tests.sessions.brute import stored

RUNS = 20 if connection.vendor == "sqlite" else 5
USERS, RECORDS = 3, 40
pytestmark = pytest.mark.django_db


@dataclass
class World:
    """A database that dies and lives again."""

    databases: Databases
    mortal: Mortals
    folder: Path

    def job(self, name: str, *command: str, last: int | None = None, sign: str = "") -> Job:
        said = str(self.folder / "said")
        return Job(name, list(command), str(self.folder), last, said, sign)

    def do(self, name: str, *command: str) -> int:
        """Let the command come to its end; how many moments it had."""
        end = self.mortal.run(self.job(name, *command))
        assert end.status == 0, (self.folder / "said").read_text()
        return end.moments

    def deaths(self, like: str | None, *command: str) -> Iterator[str]:
        """Databases on each of which the command was killed, at a moment of its own."""
        moments = self.do(self.databases.make(like), *command)
        assert moments > RUNS
        for last in random.Random(6).sample(range(1, moments), RUNS):
            name = self.databases.make(like)
            assert self.mortal.run(self.job(name, *command, last=last)).status == -9
            yield name

    @contextmanager
    def within(self, name: str) -> Iterator[None]:
        """Let this test work on that database."""
        other = open_source(self.databases.url(name))
        other.alias = "default"
        try:
            with as_default(other):
                yield
        finally:
            forget_source()


@pytest.fixture
def world(databases: Databases, mortal: Mortals, tmp_path: Path) -> World:
    return World(databases, mortal, tmp_path)


@pytest.fixture
def migrated(world: World) -> str:
    name = world.databases.make()
    world.do(name, "migrate", "--verbosity", "0")
    return name


@pytest.fixture
def usage_json(tmp_path: Path) -> str:
    """What a bot has noted, which has forgotten more than it holds."""
    path, began = tmp_path / "bot.json", datetime(2025, 1, 1)
    users = {}
    for user in range(USERS):
        records = [
            {
                "timestamp": (began + timedelta(hours=7 * number)).isoformat(),
                "model": f"model-{number % 3}",
                "input_tokens": number,
                "output_tokens": 1,
                "cost": number / 1000,
                "request_type": "chat",
            }
            for number in range(RECORDS)
        ]
        total = sum(record["cost"] for record in records) + 5  # type: ignore[misc]
        users[str(user)] = {
            "user_id": user,
            "total_requests": RECORDS + 9,
            "total_cost": total,
            "records": records,
        }
    path.write_text(json.dumps(users))
    return str(path)


def ledger() -> Any:
    """All that the ledger holds, but for the keys that rows happen to get."""
    fields = [field.attname for field in CostRecord._meta.concrete_fields if not field.primary_key]
    assert [check.rule for check in audit.check() if check.wrong] == []
    return (
        sorted(map(str, CostRecord.objects.values_list(*fields))),
        windows.by_user(EPOCH, FOREVER),
        windows.by_model(EPOCH, FOREVER),
        sorted(ImportedUsage.objects.values_list("user_id", "requests", "cost_nano")),
    )


class TestImport:
    def test_it_is_whole_or_not_begun_and_goes_through_the_next_time(
        self, world: World, migrated: str, usage_json: str
    ) -> None:
        done = world.databases.make(migrated)
        world.do(done, "import_usage", usage_json)
        with world.within(migrated):
            nothing = ledger()
        with world.within(done):
            everything = ledger()
        assert len(everything[0]) == USERS * (RECORDS + 1)
        found = []
        for name in world.deaths(migrated, "import_usage", usage_json):
            with world.within(name):
                found.append(ledger() == nothing)
                assert found[-1] or ledger() == everything
            world.do(name, "import_usage", usage_json)
            with world.within(name):
                assert ledger() == everything
        assert any(found)


class TestPrune:
    def book(self) -> None:
        """Records that are summed up already, and as many that are not."""
        began = datetime(2025, 1, 1, tzinfo=UTC)
        times = [began + timedelta(hours=7 * number) for number in range(RECORDS)]
        told: Any = {"user_id": "ann", "model": "m", "input_tokens": 1, "output_tokens": 1}
        record_many([Usage(**told, timestamp=at, cost=Decimal(1)) for at in times])
        seal(times[RECORDS // 2])

    def test_no_sum_changes_and_the_next_one_takes_the_rest(
        self, world: World, migrated: str
    ) -> None:
        with world.within(migrated):
            self.book()
            records, *sums = ledger()
        assert len(records) == RECORDS
        for name in world.deaths(migrated, "prune_costs", "--days", "30", "--batch", "5"):
            with world.within(name):
                assert ledger()[1:] == tuple(sums)
            world.do(name, "prune_costs", "--days", "30", "--batch", "50")
            with world.within(name):
                assert ledger() == ([], *sums)


@pytest.mark.skipif(connection.vendor != "postgresql", reason="of PostgreSQL")
class TestPartitions:
    def test_no_sum_changes_and_the_next_one_does_the_rest(
        self, world: World, migrated: str, usage_json: str
    ) -> None:
        world.do(migrated, "import_usage", usage_json)
        with world.within(migrated):
            records, *sums = ledger()
        for name in world.deaths(migrated, "partitions", "--keep", "1"):
            with world.within(name):
                left, *now = ledger()
                assert now == sums
                assert partitions.is_partitioned() or left == records
            world.do(name, "partitions", "--keep", "1")
            with world.within(name):
                assert partitions.wanted(timezone.now(), 3) == []
                assert ledger() == ([], *sums)


class TestPruneSessions:
    AGES = ("--bodies", "30", "--calls", "90", "--batch", "3")

    def told(self) -> list[ToolEnded]:
        """Calls of two ages in each of some sessions, all of them over."""
        now = timezone.now()
        return [
            ToolEnded(
                session_key=f"s{number % 3}",
                at=now - timedelta(days=days, minutes=number),
                tool_use_id=f"{days}-{number}",
                tool_name="Read",
                parameters={"file_path": f"/{number % 4}.py"},
                success=number % 2 > 0,
            )
            for days in (100, 40)
            for number in range(12)
        ]

    def test_no_figure_changes_and_nothing_comes_twice(self, world: World, migrated: str) -> None:
        told = self.told()
        with world.within(migrated):
            record(told)
            _, *figures = stored()
        for name in world.deaths(migrated, "prune_sessions", *self.AGES):
            with world.within(name):
                assert list(stored()[1:]) == figures
                record(told)
                assert list(stored()[1:]) == figures
            world.do(name, "prune_sessions", *self.AGES)
            with world.within(name):
                assert list(stored()[1:]) == figures
                assert [call.is_bare for call in ToolCall.objects.all()] == [True] * 12

    def test_calls_and_the_mark_that_they_are_gone_go_together(
        self, world: World, migrated: str
    ) -> None:
        told = self.told()
        with world.within(migrated):
            record(told)
            _, *figures = stored()
        sign = 'UPDATE "agent_sessions_session" SET "calls_kept_from"'
        job = world.job(migrated, "prune_sessions", *self.AGES, last=1, sign=sign)
        assert world.mortal.run(job).status == -9
        with world.within(migrated):
            record(told)
            assert list(stored()[1:]) == figures


class TestMigrate:
    def schema(self) -> Any:
        """Every table with its columns, indexes and constraints, and what is said to be done."""
        with connection.cursor() as cursor:
            ask = connection.introspection
            tables = {
                table: (
                    [column.name for column in ask.get_table_description(cursor, table)],
                    sorted(ask.get_constraints(cursor, table)),
                )
                for table in ask.table_names(cursor)
            }
        return tables, set(MigrationRecorder(connection).applied_migrations())

    @pytest.fixture
    def begun(self, world: World) -> str:
        """A database in which only the tables of packages are there."""
        name = world.databases.make()
        for package in ("admin", "sessions", "axes"):
            world.do(name, "migrate", package, "--verbosity", "0")
        return name

    def test_it_is_whole_or_not_begun_and_goes_through_the_next_time(
        self, world: World, begun: str, migrated: str
    ) -> None:
        with world.within(begun):
            nothing = self.schema()
        with world.within(migrated):
            everything = self.schema()
        assert nothing != everything
        for name in world.deaths(begun, "migrate", "--verbosity", "0"):
            with world.within(name):
                assert self.schema() in (nothing, everything)
        world.do(name, "migrate", "--verbosity", "0")
        with world.within(name):
            assert self.schema() == everything

    def test_it_may_die_between_a_migration_and_the_note_that_it_was_done(
        self, world: World, begun: str, migrated: str
    ) -> None:
        """Django makes two transactions of that: the next one would find its tables there."""
        with world.within(migrated):
            everything = self.schema()
        name = world.databases.make(begun)
        note = world.job(
            name, "migrate", "--verbosity", "0", last=1, sign='INSERT INTO "django_migrations"'
        )
        assert world.mortal.run(note).status == -9
        world.do(name, "migrate", "--verbosity", "0")
        with world.within(name):
            assert self.schema() == everything
