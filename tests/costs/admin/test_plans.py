"""How the database reads the records for a page."""

import re

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests.costs.admin.cast import NOON, RECORDS, body, record

pytestmark = pytest.mark.django_db


def plans(client: Client, url: str) -> list[tuple[str, str]]:
    """Each statement about records that a page makes, with the database's plan for it."""
    with CaptureQueriesContext(connection) as made:
        body(client, url)
    return [
        (query["sql"], plan(query["sql"]))
        for query in made.captured_queries
        if 'FROM "costs_costrecord"' in query["sql"]
    ]


def plan(sql: str) -> str:
    postgres = connection.vendor == "postgresql"
    with connection.cursor() as cursor:
        if postgres:  # which would rather read and sort a table as small as a test's
            for way in ("seqscan", "sort", "bitmapscan"):
                cursor.execute(f"SET LOCAL enable_{way} = off")
        cursor.execute(f"EXPLAIN {'' if postgres else 'QUERY PLAN '}{sql.replace('%', '%%')}")
        return "\n".join(str(row[-1]) for row in cursor.fetchall())


class TestPlans:
    """On a table of millions, each page must be read from an index, in its order."""

    @pytest.mark.parametrize(
        ("query", "index"),
        [
            ("", "costs_record_time"),
            ("q=alice", "costs_record_user"),
            ("q=alice&period=30d", "costs_record_user"),
            ("period=24h", "costs_record_time"),
            ("period=month", "costs_record_time"),
            ("before=2100-01-01", "costs_record_time"),
            ("model=opus", "costs_record_time"),
            ("request_type=chat", "costs_record_time"),
            ("source=api", "costs_record_time"),
        ],
    )
    @pytest.mark.skipif(connection.vendor != "sqlite", reason="reads SQLite plans")
    @time_machine.travel(NOON)
    def test_no_page_sorts_or_counts_all_records(
        self, reader: Client, query: str, index: str
    ) -> None:
        record(*["alice"] * 101)
        made = plans(reader, f"{RECORDS}?{query}")
        assert all("LIMIT" in sql and "DISTINCT" not in sql for sql, _ in made)
        page = next(plan for sql, plan in made if "COUNT(" not in sql and '"timestamp" DESC' in sql)
        assert index in page
        assert not re.search(r"TEMP B-TREE FOR ORDER BY|(^|->\s+)Sort\b", page, re.MULTILINE)

    @pytest.mark.parametrize("query", ["q=alice", "period=24h", "before=2100-01-01"])
    def test_a_count_seeks_as_well(self, reader: Client, query: str) -> None:
        record(*["alice"] * 101)
        (counted,) = (plan for sql, plan in plans(reader, f"{RECORDS}?{query}") if "COUNT(" in sql)
        assert re.search(r"SEARCH costs_costrecord USING|Index Cond", counted)
