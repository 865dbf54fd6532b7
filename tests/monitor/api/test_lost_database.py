"""A database that is locked or goes away: who asks is told so, and later it works again."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, transaction

from costs.models import CostRecord
from sessions.models import ToolCall
from tasks.models import Task
from tests.monitor.api.programs import Client, usage
from tests.monitor.test_serve import address, serving
from tests.monitor.test_settings import manage


@pytest.mark.skipif(connection.vendor != "sqlite", reason="another writer keeps nobody waiting")
@pytest.mark.django_db(transaction=True)
class TestLocked:
    """Another process writes, and does not come to an end."""

    REQUESTS = [
        ("post", "/api/usage", usage("k", 1)),
        ("post", "/api/usage/batch", {"records": [usage(f"b{n}", n) for n in range(1, 4)]}),
        ("put", "/api/limits/ann", {"daily": 1}),
        ("post", "/api/tasks", {"task_id": "t", "description": "Sweep"}),
        (
            "post",
            "/api/tool-calls",
            {
                "events": [
                    {
                        "event": "tool_started",
                        "session_key": "s",
                        "tool_use_id": "u",
                        "tool_name": "Read",
                    }
                ]
            },
        ),
    ]

    @pytest.fixture
    def impatient(self, agent: Any) -> Any:
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA busy_timeout=20")
            yield agent
            cursor.execute("PRAGMA busy_timeout=20000")

    @pytest.fixture
    def lock(self) -> Iterator[Any]:
        with closing(sqlite3.connect(connection.settings_dict["NAME"])) as other:
            other.isolation_level = None
            other.execute("BEGIN IMMEDIATE")
            yield other

    @pytest.mark.parametrize(("method", "path", "body"), REQUESTS)
    def test_it_says_so_stores_nothing_and_works_again_afterwards(
        self, impatient: Any, lock: Any, method: str, path: str, body: Any
    ) -> None:
        def send() -> Any:
            return getattr(impatient, method)(path, body, content_type="application/json")

        refused = send()
        assert refused.status_code == 503
        assert int(refused.headers["Retry-After"]) > 0
        assert "Try again" in refused.json()["error"]
        assert impatient.get("/api/limits/ann").status_code == 200  # who reads does not wait
        for model in (CostRecord, Task, ToolCall):
            assert not model.objects.exists()
        lock.rollback()
        assert send().status_code in (200, 201)


@pytest.mark.skipif(connection.vendor != "sqlite", reason="the database is a file")
class TestLostFile:
    def test_it_says_so_and_recovers_without_a_restart(self, migrated_data: Path) -> None:
        data = str(migrated_data)
        with serving(migrated_data) as process:
            at = address(process)
            made = manage("create_api_key", "a program", "--scopes", "read,write", DATA_DIR=data)
            client = Client(at, made.stdout.splitlines()[-1])
            assert client.send("/api/usage", usage("k1", 1))[0] == 201
            file = migrated_data / "monitor.db"
            kept = file.rename(migrated_data / "kept.db")
            file.mkdir()
            for _ in range(2):
                status, answer = client.send("/api/usage", usage("k2", 2))
                assert status == 503
                assert "Try again" in answer["error"]
            file.rmdir()
            kept.rename(file)
            assert client.send("/api/usage", usage("k2", 2))[0] == 201
            assert client.send("/api/usage", usage("k1", 1))[0] == 200
            client.connection.close()


@pytest.mark.skipif(connection.vendor == "sqlite", reason="the database is no server")
class TestLostConnection:
    def send(self, site: str, secret: str) -> tuple[int, Any]:
        host, _, port = site.removeprefix("http://").partition(":")
        client = Client((host, int(port)), secret)
        with closing(client.connection):
            return client.send("/api/usage", usage("k", 1))

    def terminate_who_waits(self) -> None:
        """Once the server's statement waits for the table, end its connection."""
        waiting = (
            "SELECT count(pg_terminate_backend(pid)) FROM pg_locks"
            " WHERE relation = 'costs_costrecord'::regclass AND NOT granted"
        )
        with connection.cursor() as cursor:
            for _ in range(5_000):
                cursor.execute(waiting)
                if cursor.fetchone()[0]:
                    return
        raise AssertionError("nobody waits for the table")

    def test_it_says_so_and_recovers_without_a_restart(self, site: str, secret: str) -> None:
        told: list[int] = []
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("LOCK TABLE costs_costrecord IN EXCLUSIVE MODE")
            thread = threading.Thread(target=lambda: told.append(self.send(site, secret)[0]))
            thread.start()
            self.terminate_who_waits()
            thread.join(20)
        assert told == [503]
        assert not CostRecord.objects.exists()
        assert self.send(site, secret)[0] == 201
        assert CostRecord.objects.count() == 1
