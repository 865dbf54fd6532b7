"""What the page asks the database."""

import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoAssertNumQueries

from sessions.recording import record
from tests.monitor.cast import VERSION, called
from tests.monitor.tools_page.cast import html

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]


def many(count: int) -> None:
    record(
        [
            called(
                n,
                n % 1_000,
                tool_name=f"Tool {n % 7}",
                session_key=f"s{n % 5}",
                success=n % 3 > 0,
                error="" if n % 3 else "x" * (n % 30),
                parameters={"file_path": f"/{n % 40}"},
            )
            for n in range(count)
        ]
    )


class TestQueries:
    @pytest.mark.parametrize("count", [10, 400])
    @pytest.mark.parametrize(
        ("query", "queries"), [("", 14), ("?range=all", 13), ("?tool=Tool+0", 11)]
    )
    def test_they_do_not_grow_with_the_calls(
        self,
        signed_in: Client,
        django_assert_num_queries: DjangoAssertNumQueries,
        count: int,
        query: str,
        queries: int,
    ) -> None:
        many(count)
        with django_assert_num_queries(queries + VERSION):
            html(signed_in, query)

    @pytest.mark.skipif(connection.vendor != "sqlite", reason="reads SQLite's plans")
    @pytest.mark.parametrize("query", ["?range=7d", "?range=30d&tool=Tool+0"])
    def test_nothing_that_grows_is_scanned(self, signed_in: Client, query: str) -> None:
        many(400)
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
        with CaptureQueriesContext(connection) as captured:
            html(signed_in, query)
        with connection.cursor() as cursor:
            for sql in (query["sql"] for query in captured if "SELECT" in query["sql"]):
                plan = str(cursor.execute(f"EXPLAIN QUERY PLAN {sql}").fetchall())
                assert not re.search("SCAN agent_sessions_toolcall(?! USING)", plan), (sql, plan)
            cursor.execute("DELETE FROM sqlite_stat1")
