from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from django.db import connections

from monitor.sqlite.base import DatabaseWrapper


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "new.db"


@pytest.fixture
def wrapper(file: Path) -> Iterator[DatabaseWrapper]:
    options = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 0,
        "init_command": "PRAGMA journal_mode=WAL;",
    }
    settings = connections["default"].settings_dict | {"NAME": str(file), "OPTIONS": options}
    wrapper = DatabaseWrapper(settings, "another")
    yield wrapper
    wrapper.close()


def pragma(wrapper: DatabaseWrapper, name: str) -> object:
    with wrapper.cursor() as cursor:
        return cursor.execute(f"PRAGMA {name}").fetchone()[0]


@pytest.mark.usefixtures("transactional_db")
class TestDatabaseWrapper:
    def test_a_new_file_can_give_back_what_it_no_longer_needs(
        self, wrapper: DatabaseWrapper
    ) -> None:
        with wrapper.cursor() as cursor:
            cursor.execute("CREATE TABLE some (value)")
        assert (pragma(wrapper, "auto_vacuum"), pragma(wrapper, "journal_mode")) == (2, "wal")

    def test_to_open_a_file_writes_nothing(self, wrapper: DatabaseWrapper, file: Path) -> None:
        with wrapper.cursor() as cursor:
            cursor.execute("CREATE TABLE some (value)")
        wrapper.close()
        with closing(sqlite3.connect(file)) as watch:
            before = watch.execute("PRAGMA data_version").fetchone()
            pragma(wrapper, "auto_vacuum")
            assert watch.execute("PRAGMA data_version").fetchone() == before

    def test_a_reader_does_not_wait_for_a_writer(
        self, wrapper: DatabaseWrapper, file: Path
    ) -> None:
        with wrapper.cursor() as cursor:
            cursor.execute("CREATE TABLE some (value)")
        wrapper.close()
        with closing(sqlite3.connect(file, isolation_level=None)) as writer:
            writer.execute("BEGIN IMMEDIATE")
            writer.execute("INSERT INTO some VALUES (1)")
            with wrapper.cursor() as cursor:
                assert cursor.execute("SELECT count(*) FROM some").fetchone() == (0,)
            writer.execute("COMMIT")


@pytest.mark.usefixtures("transactional_db")
class TestKeptConnections:
    @pytest.fixture
    def opened(self, wrapper: DatabaseWrapper) -> DatabaseWrapper:
        wrapper.settings_dict["CONN_MAX_AGE"] = None
        with wrapper.cursor() as cursor:
            cursor.execute("CREATE TABLE some (value)")
        return wrapper

    def test_one_is_kept_between_requests(self, opened: DatabaseWrapper) -> None:
        kept = opened.connection
        opened.close_if_unusable_or_obsolete()
        assert opened.connection is kept is not None

    def test_another_file_of_that_name_is_seen_with_the_next_request(
        self, opened: DatabaseWrapper, file: Path
    ) -> None:
        pragma(opened, "wal_checkpoint(TRUNCATE)")
        other = file.with_name("other.db")
        with closing(sqlite3.connect(other)) as connection:
            connection.execute("CREATE TABLE news (value)")
        other.replace(file)
        opened.close_if_unusable_or_obsolete()
        assert opened.introspection.table_names() == ["news"]

    def test_so_is_one_that_is_gone(self, opened: DatabaseWrapper, file: Path) -> None:
        file.unlink()
        opened.close_if_unusable_or_obsolete()
        assert opened.connection is None
