"""Writers of one process queue for a SQLite file, and nobody can hold the queue up."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError, connections, transaction

from monitor.sqlite.base import DatabaseWrapper
from monitor.sqlite.turns import Turns, turns
from monitor.transfer.source import as_default

NEVER = 60.0  # seconds that no test waits


def begun(work: Callable[[], Any]) -> threading.Thread:
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def wait_until(condition: Callable[[], Any]) -> None:
    tick = threading.Event()
    for _ in range(2_000):
        if condition():
            return
        tick.wait(0.01)
    raise AssertionError("it did not happen")


class TestTurns:
    def test_who_came_first_is_let_in_first(self) -> None:
        queue, came = Turns(), []

        def write(number: int) -> None:
            writer = queue.take(NEVER)
            assert writer
            came.append(number)
            queue.end(writer)

        first = queue.take(0)
        assert first
        threads = []
        for number in range(8):
            threads.append(begun(partial(write, number)))
            wait_until(partial(self.is_waiting, queue, number + 1))
        queue.end(first)
        for thread in threads:
            thread.join(NEVER)
        assert came == list(range(8))

    def is_waiting(self, queue: Turns, number: int) -> bool:
        return len(queue._waiting) == number

    def test_who_waits_too_long_goes_and_the_next_is_let_in(self) -> None:
        queue, came = Turns(), []
        first = queue.take(0)
        assert first
        impatient = begun(lambda: came.append(queue.take(0.01)))
        impatient.join(NEVER)
        assert came == [None]
        patient = begun(lambda: came.append(queue.take(NEVER)))
        wait_until(lambda: queue._waiting)
        queue.end(first)
        patient.join(NEVER)
        assert came[1] is patient

    def test_a_thread_that_died_leaves_its_turn(self) -> None:
        queue = Turns()
        dead = begun(lambda: queue.take(0))
        dead.join()
        assert queue.take(NEVER) is threading.current_thread()

    def test_nobody_ends_the_turn_of_another(self) -> None:
        queue = Turns()
        mine = queue.take(0)
        assert mine
        queue.end(threading.Thread())
        begun(lambda: queue.end(threading.current_thread())).join()
        assert queue._writer is mine


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "turns.db"
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("CREATE TABLE some (value)")
    return path


@pytest.fixture
def make(file: Path) -> Iterator[Callable[..., DatabaseWrapper]]:
    """Makes connections to the file, as each thread has its own."""
    made: list[DatabaseWrapper] = []

    def make(timeout: float = NEVER) -> DatabaseWrapper:
        options = {"transaction_mode": "IMMEDIATE", "timeout": timeout}
        own = {"ENGINE": "monitor.sqlite", "NAME": str(file), "OPTIONS": options}
        wrapper = DatabaseWrapper(connections.settings["default"] | own)
        wrapper.inc_thread_sharing()
        made.append(wrapper)
        return wrapper

    yield make
    for wrapper in made:
        wrapper.close()


@contextmanager
def atomic(wrapper: DatabaseWrapper) -> Iterator[None]:
    """A transaction of that very connection."""
    with as_default(wrapper), transaction.atomic():
        yield


def insert(wrapper: DatabaseWrapper) -> None:
    with wrapper.cursor() as cursor:
        cursor.execute("INSERT INTO some VALUES (1)")


def count(file: Path) -> int:
    with closing(sqlite3.connect(file)) as database:
        (number,) = database.execute("SELECT count(*) FROM some").fetchone()
        return int(number)


@pytest.mark.usefixtures("transactional_db")
class TestTransactions:
    def test_many_threads_write_all_they_have(self, make: Any, file: Path) -> None:
        def write(wrapper: DatabaseWrapper) -> None:
            for _ in range(25):
                with atomic(wrapper), transaction.atomic():
                    insert(wrapper)

        threads = [begun(partial(write, make())) for _ in range(8)]
        for thread in threads:
            thread.join(NEVER)
        assert count(file) == 200

    def test_a_fault_inside_leaves_the_turn(self, make: Any, file: Path) -> None:
        with pytest.raises(KeyError), atomic(make()):
            raise KeyError
        self.write_elsewhere(make, file)

    def test_so_does_a_closed_connection(self, make: Any, file: Path) -> None:
        wrapper = make()
        with atomic(wrapper):
            wrapper.close()
        self.write_elsewhere(make, file)

    def test_so_does_a_thread_that_ends_within(self, make: Any, file: Path) -> None:
        wrapper = make()

        def abandon() -> None:
            connections["default"] = wrapper
            transaction.atomic().__enter__()

        begun(abandon).join()
        assert turns(str(file))._writer
        wrapper.connection.close()  # as it is when the connections of the thread are let go
        self.write_elsewhere(make, file)

    def test_another_process_is_waited_for_and_no_longer_than_said(
        self, make: Any, file: Path
    ) -> None:
        with closing(sqlite3.connect(file, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(OperationalError, match="locked"), atomic(make(0.05)):
                pass
        self.write_elsewhere(make, file)

    def test_so_is_another_thread(self, make: Any, file: Path) -> None:
        faults: list[BaseException] = []

        def write() -> None:
            try:
                with atomic(make(0.05)):
                    pass
            except OperationalError as fault:
                faults.append(fault)

        with atomic(make()):
            begun(write).join(NEVER)
        assert [str(fault) for fault in faults] == ["database is locked"]
        self.write_elsewhere(make, file)

    def test_who_waited_in_the_queue_waits_for_others_only_for_the_rest(
        self, make: Any, file: Path
    ) -> None:
        wrapper = make(30)
        insert(wrapper)
        seen: list[str] = []
        wrapper.connection.set_trace_callback(seen.append)
        wrapper._begin_within(10)
        wrapper.connection.rollback()
        assert seen[:3] == [
            "PRAGMA busy_timeout=10000",
            "BEGIN IMMEDIATE",
            "PRAGMA busy_timeout=30000",
        ]

    def write_elsewhere(self, make: Any, file: Path) -> None:
        before = count(file)

        def write() -> None:
            wrapper = make()
            with atomic(wrapper):
                insert(wrapper)

        begun(write).join(NEVER)
        assert count(file) == before + 1
