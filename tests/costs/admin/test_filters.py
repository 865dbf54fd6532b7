"""What a search finds, and what the filters leave."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db.models import Model
from django.test import Client
from django.utils import timezone
from model_bakery import baker

from costs.ledger import seal
from costs.models import ROLLUPS, SpendingLimit, UsageImport
from tests.costs.admin.cast import HOSTILE, LIMITS, NOON, RECORDS, address, body, listed, record

pytestmark = pytest.mark.django_db


class TestSearch:
    def test_it_finds_a_whole_user_id(self, reader: Client) -> None:
        record("alice", "alice", "alice@example.com", "bob")
        assert listed(reader, f"{RECORDS}?q=alice") == ["alice", "alice"]
        assert listed(reader, f"{RECORDS}?q=ALICE") == []

    def test_blanks_and_wildcards_are_part_of_the_id(self, reader: Client) -> None:
        record("a b", "a", "b", "a%", "ab")
        assert listed(reader, f"{RECORDS}?q=a+b") == ["a b"]
        assert listed(reader, f"{RECORDS}?q=a%25") == ["a%"]

    def test_an_import_is_found_by_file_or_source(self, reader: Client) -> None:
        baker.make(UsageImport, file_name="one.json", source="bot")
        baker.make(UsageImport, file_name="two.json", source="bot")
        assert listed(reader, f"{address(UsageImport)}?q=one.json", "file_name") == ["one.json"]
        assert len(listed(reader, f"{address(UsageImport)}?q=bot", "file_name")) == 2

    def test_a_limit_is_found_by_part_of_a_name(self, reader: Client) -> None:
        baker.make(SpendingLimit, user_id="1", display_name="Alice")
        baker.make(SpendingLimit, user_id="2", display_name="Bob")
        assert listed(reader, f"{LIMITS}?q=lic", "display_name") == ["Alice"]


class TestFilters:
    @pytest.mark.parametrize("field", ["model", "request_type", "source"])
    def test_a_value_is_matched_whole(self, reader: Client, field: str) -> None:
        record("one", **{field: "a b&c"})
        record("two", **{field: "a"})
        assert listed(reader, f"{RECORDS}?{field}=a+b%26c") == ["one"]
        assert listed(reader, f"{RECORDS}?{field}=nothing") == []
        assert len(listed(reader, f"{RECORDS}?{field}=")) == 2

    @pytest.mark.parametrize("field", ["model", "request_type", "source"])
    def test_recent_values_are_offered(self, reader: Client, field: str) -> None:
        record("one", **{field: "seen & known"})
        assert f'<a href="?{field}=seen+%26+known">seen &amp; known</a>' in body(reader, RECORDS)

    def test_a_sealed_model_is_offered_however_old(
        self, reader: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("costs.admin.filters.RECENT", 1)
        record("one", model="old", timestamp=NOON)
        record("two", model="new")
        assert "?model=old" not in body(reader, RECORDS)
        seal()
        assert "?model=old" in body(reader, RECORDS)

    def test_records_without_a_model_can_be_chosen(self, reader: Client) -> None:
        record("one", model="")
        record("two")
        assert "?model=%28none%29" in body(reader, RECORDS)
        assert listed(reader, f"{RECORDS}?model=(none)") == ["one"]

    def test_the_input_keeps_the_other_choices(self, reader: Client) -> None:
        html = body(reader, f"{RECORDS}?period=7d&q=%22x&model=opus&p=3")
        (form,) = re.findall(
            r"<form method=\"get\">((?:(?!</form>).)*name=\"model\" value=\"opus\" s.*?)</form>",
            html,
            re.S,
        )
        hidden = re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form)
        assert hidden == [("period", "7d"), ("q", "&quot;x")]

    @time_machine.travel(NOON, tick=False)
    def test_periods_end_now(self, reader: Client) -> None:
        for days in (0.5, 1, 1.5, 7.5, 20, 30.5):
            record(f"{days} days", timestamp=NOON - timedelta(days=days))
        shown = {
            name: len(listed(reader, f"{RECORDS}?period={name}")) for name in ("24h", "7d", "30d")
        }
        assert shown == {"24h": 2, "7d": 3, "30d": 5}

    @time_machine.travel(NOON, tick=False)
    def test_this_month_begins_in_the_zone_of_the_limits(
        self, reader: Client, settings: Any
    ) -> None:
        settings.TIME_ZONE = "America/New_York"
        record("february", timestamp=datetime(2026, 3, 1, 4, 59, tzinfo=UTC))
        record("march", timestamp=datetime(2026, 3, 1, 5, tzinfo=UTC))
        assert listed(reader, f"{RECORDS}?period=month") == ["march"]

    def test_what_was_typed_is_only_text(self, reader: Client) -> None:
        html = reader.get(RECORDS, {"model": HOSTILE, "source": HOSTILE}).content.decode()
        assert html.count("&lt;script&gt;alert") >= 4  # each in its input, and kept by the other
        assert "<script>alert" not in html

    def test_before_leads_to_what_lies_further_back(self, reader: Client) -> None:
        for minute in (1, 2, 3):
            record(f"{minute}", timestamp=NOON + timedelta(minutes=minute))
        assert listed(reader, f"{RECORDS}?before=2026-03-15T12:03") == ["2", "1"]
        assert listed(reader, f"{RECORDS}?before=2026-03-15T14:02%2B02:00") == ["1"]
        assert listed(reader, f"{RECORDS}?before=2026-03-15") == []

    @pytest.mark.parametrize("model", [each for each in ROLLUPS if each.span != "month"])
    def test_rollups_have_periods_too(self, reader: Client, model: type[Model]) -> None:
        record("old", timestamp=timezone.now() - timedelta(days=20))
        record("new", timestamp=timezone.now() - timedelta(days=3))
        seal()
        assert len(listed(reader, address(model), "requests")) == 2
        assert len(listed(reader, address(model, "?period=7d"), "requests")) == 1
        week_ago = f"{timezone.now() - timedelta(days=7):%Y-%m-%d}"
        assert len(listed(reader, address(model, f"?before={week_ago}"), "requests")) == 1

    @pytest.mark.parametrize(
        "query",
        ["period=1y", "before=yesterday", "before=0001-01-01T00:00%2B14:00", "model=%00"],
    )
    def test_nonsense_is_refused(self, reader: Client, query: str) -> None:
        response = reader.get(f"{RECORDS}?{query}")
        assert (response.status_code, response["Location"]) == (302, f"{RECORDS}?e=1")
