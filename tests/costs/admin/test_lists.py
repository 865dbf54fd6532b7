"""What the lists show."""

import re
from decimal import Decimal

import pytest
from django.db import connection
from django.db.models import Model
from django.test import Client
from django.test.utils import CaptureQueriesContext
from model_bakery import baker

from costs.ledger import seal
from costs.models import ROLLUPS, CostRecord, ImportedUsage, LedgerState, SpendingLimit, UserHour
from records import admin as records
from tests.costs.admin.cast import (
    EVIDENCE,
    HOSTILE,
    NOON,
    RECORDS,
    address,
    body,
    listed,
    one_of_each,
    record,
)

pytestmark = pytest.mark.django_db


class TestLists:
    @pytest.mark.parametrize("model", [CostRecord, *ROLLUPS])
    def test_they_show_exact_dollars(self, reader: Client, model: type[Model]) -> None:
        record("alice", cost=Decimal("1234.000000001"), timestamp=NOON)
        seal()
        assert listed(reader, address(model), "column")[-1] == "$1,234.000000001"

    @pytest.mark.parametrize("model", [CostRecord, UserHour, SpendingLimit, ImportedUsage])
    def test_hostile_user_ids_are_only_text(self, reader: Client, model: type[Model]) -> None:
        record(HOSTILE, model=HOSTILE, timestamp=NOON)
        seal()
        baker.make(SpendingLimit, user_id=HOSTILE, display_name=HOSTILE)
        baker.make(ImportedUsage, user_id=HOSTILE, requests=1, cost_nano=2)
        for page in ["", f"{model.objects.get().pk}/change/", f"?q={HOSTILE}".replace("&", "%26")]:
            html = body(reader, address(model, page))
            assert "&lt;script&gt;alert" in html
            assert "<script>alert" not in html

    @pytest.mark.parametrize("model", [*EVIDENCE, SpendingLimit])
    def test_nothing_in_them_is_inline(self, reader: Client, model: type[Model]) -> None:
        one_of_each()
        for page in ["", f"{model.objects.get().pk}/change/"]:
            html = body(reader, address(model, page))
            assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)[^>]*>[^<]", html)

    @pytest.mark.parametrize("query", ["", "q=alice", "model=opus", "request_type=chat"])
    def test_queries_do_not_grow_with_the_rows(self, reader: Client, query: str) -> None:
        record("alice")
        body(reader, f"{RECORDS}?{query}")
        with CaptureQueriesContext(connection) as few:
            body(reader, f"{RECORDS}?{query}")
        record(*["alice"] * 150)
        with CaptureQueriesContext(connection) as many:
            body(reader, f"{RECORDS}?{query}")
        assert len(many) == len(few) <= 10

    def test_a_count_is_broken_off(self, reader: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(records, "COUNTED", 1_000)
        record(*["alice"] * 1_000)
        assert "1000 cost records" in body(reader, RECORDS)
        record("alice")
        assert "1,000+ cost records" in body(reader, RECORDS)
        assert len(listed(reader, f"{RECORDS}?p=10")) == 100

    def test_no_choice_of_a_filter_is_counted(self, reader: Client) -> None:
        record("alice")
        assert "_facets" not in body(reader, RECORDS)
        assert "opus (1)" not in body(reader, f"{RECORDS}?_facets=True")

    def test_what_never_happened_is_worded(self, reader: Client) -> None:
        LedgerState.objects.create(sealed_to=NOON)
        assert listed(reader, address(LedgerState), "column") == ["2026-03-15 12:00:00", "never"]
