"""kill -9 at any moment of a migration."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

from tests.faults.world import World

# Those of one room, eight in all: of every room it is the same, and takes three times as long.
MIGRATE = ("migrate", "costs", "--verbosity", "0")

pytestmark = pytest.mark.django_db


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
        """A database in which only the tables of packages are there, and none of the ledger."""
        name = world.databases.make()
        for package in ("admin", "sessions", "axes"):
            world.do(name, "migrate", package, "--verbosity", "0")
        return name

    @pytest.fixture
    def migrated(self, world: World, begun: str) -> str:
        name = world.databases.make(begun)
        world.do(name, *MIGRATE)
        return name

    def test_it_is_whole_or_not_begun_and_goes_through_the_next_time(
        self, world: World, begun: str, migrated: str
    ) -> None:
        with world.within(begun):
            nothing = self.schema()
        with world.within(migrated):
            everything = self.schema()
        assert nothing != everything
        for name in world.deaths(begun, *MIGRATE):
            with world.within(name):
                assert self.schema() in (nothing, everything)
        world.do(name, *MIGRATE)
        with world.within(name):
            assert self.schema() == everything

    def test_it_may_die_between_a_migration_and_the_note_that_it_was_done(
        self, world: World, begun: str, migrated: str
    ) -> None:
        """Django makes two transactions of that: the next one would find its tables there."""
        with world.within(migrated):
            everything = self.schema()
        name = world.databases.make(begun)
        world.die(name, 'INSERT INTO "django_migrations"', *MIGRATE)
        world.do(name, *MIGRATE)
        with world.within(name):
            assert self.schema() == everything
