"""The report of an import."""

from dataclasses import asdict

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from model_bakery import baker

from costs.admin import imports
from costs.models import UsageImport
from costs.usage_json.report import UserLine
from tests.costs.admin.cast import HOSTILE, address, body

pytestmark = pytest.mark.django_db


class TestImportReport:
    def test_it_is_a_table_of_users(self, reader: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(imports, "SHOWN", 1)
        line = asdict(UserLine(HOSTILE, 5, 4, 1, 2, 3 * 10**9, 0, 0, 5, 6))
        kept = baker.make(
            UsageImport, report={"users": [line, line], "notes": {"<b>: passed over": 3}}
        )
        html = body(reader, address(UsageImport, f"{kept.pk}/change/"))
        assert "<th>user id</th><th>read</th><th>added</th><th>carried requests</th>" in html
        assert "<th>cost</th><th>carried cost</th><th>drift cost</th>" in html
        assert "<td>5</td><td>4</td><td>1</td><td>$0.000000002</td><td>$3.000000000</td>" in html
        assert "<li>&lt;b&gt;: passed over: 3</li>" in html
        assert "And 1 more users." in html
        assert "<script>alert" not in html

    def test_a_list_leaves_the_reports_where_they_are(self, reader: Client) -> None:
        baker.make(UsageImport)
        with CaptureQueriesContext(connection) as made:
            body(reader, address(UsageImport))
        assert not any('"report"' in query["sql"] for query in made.captured_queries)
