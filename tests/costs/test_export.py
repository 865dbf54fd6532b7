import csv
import io
import re
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.db.models import Model
from django.http import StreamingHttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st
from model_bakery import baker

from costs import export
from costs.export import cell, defused, lines
from costs.ledger import record_many, seal
from costs.models import (
    ROLLUPS,
    CostRecord,
    ImportedUsage,
    LedgerState,
    SessionSpan,
    SpendingLimit,
    UsageImport,
)
from costs.usage import Usage

NOON = datetime(2026, 3, 15, 12, tzinfo=UTC)
RECORDS = "/admin/costs/costrecord/"
STORABLE = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))


def record(count: int, **fields: Any) -> None:
    given = {"model": "opus", "input_tokens": 1, "output_tokens": 2, "cost": Decimal("3e-9")}
    given |= {"user_id": "alice", "timestamp": NOON} | fields
    record_many([Usage(**given) for _ in range(count)])


def parsed(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


def chosen(*rows: Model, across: bool = False) -> dict[str, Any]:
    """What the list sends when the action is run on these rows, or on all that match."""
    return {
        "action": "export_csv",
        "_selected_action": [row.pk for row in rows],
        "select_across": "1" if across else "0",
        "index": "0",
    }


def download(client: Client, url: str, data: dict[str, Any]) -> list[dict[str, str]]:
    return parsed(client.post(url, data).getvalue().decode())


@pytest.fixture
def clerk(client: Client, db: None) -> Client:
    person = User.objects.create_user("clerk", is_staff=True)
    leave = {"content_type__app_label": "costs", "codename__startswith": "view_"}
    person.user_permissions.set(Permission.objects.filter(**leave))
    client.force_login(person)
    return client


class TestCell:
    @pytest.mark.parametrize(
        "text",
        [
            "=1+1",
            "+1",
            "-1",
            "@SUM(A1)",
            "\t=1",
            "\r=1",
            "\n=1",
            "\tx",
            "\rx",
            "  =1",
            "\u00a0=1",
            "\u3000@x",
            "\u200b=1",
            "\ufeff=1",
            "\x01=1",
            "=cmd|' /C calc'!A0",
            '=HYPERLINK("http://example.com")',
            "＝1",
            "＋1",
            "－1",
            "＠x",
            "﹢1",
            "﹣1",
            "⩵1",
        ],
    )
    def test_a_formula_is_defused(self, text: str) -> None:
        assert defused(text) == f"'{text}"

    @pytest.mark.parametrize(
        "text",
        ["", " ", "alice", "a=b", "a-b", "1-2", "alice@example.com", " x", "'=1", "ä", "_", "(-1)"],
    )
    def test_other_text_stays(self, text: str) -> None:
        assert defused(text) == text

    @pytest.mark.parametrize(
        ("name", "value", "text"),
        [
            ("cost_nano", 1, "0.000000001"),
            ("cost_nano", 0, "0.000000000"),
            ("cost_nano_before", 9223372036854775807, "9223372036.854775807"),
            ("daily_limit_nano", None, ""),
            ("requests", 10**15, "1000000000000000"),
            ("start", NOON, "2026-03-15T12:00:00+00:00"),
            (
                "start",
                datetime(2026, 3, 15, 1, 2, 3, 4, timezone(timedelta(hours=2))),
                "2026-03-14T23:02:03.000004+00:00",
            ),
            ("report", {"user": "é"}, '{"user": "é"}'),
            ("last_record", None, ""),
            ("user_id", "-1", "'-1"),
        ],
    )
    def test_values_are_exact(self, name: str, value: object, text: str) -> None:
        assert cell(name, value) == text

    @given(st.lists(STORABLE, min_size=1))
    def test_any_text_comes_back(self, texts: list[str]) -> None:
        written = export._text([[cell("user_id", text) for text in texts]])
        (read,) = csv.reader(io.StringIO(written, newline=""))
        assert read == [defused(text) for text in texts]
        assert all(new in (old, f"'{old}") for new, old in zip(read, texts, strict=True))

    @given(STORABLE)
    def test_no_text_begins_as_a_formula(self, text: str) -> None:
        assert not re.match(r"\s*[=+\-@]|[\t\r\n]", defused(text))


@pytest.mark.django_db
class TestLines:
    def test_every_field_has_a_column(self) -> None:
        record(1, cost=Decimal("1.5"), session_key="=1", request_type='a,"b"\nc', source_id="é")
        (row,) = parsed("".join(lines(CostRecord.objects.all())))
        assert row == {
            "id": str(CostRecord.objects.get().pk),
            "timestamp": "2026-03-15T12:00:00+00:00",
            "user_id": "alice",
            "model": "opus",
            "request_type": 'a,"b"\nc',
            "input_tokens": "1",
            "output_tokens": "2",
            "cache_read_tokens": "0",
            "cache_write_5m_tokens": "0",
            "cache_write_1h_tokens": "0",
            "cost": "1.500000000",
            "requests": "1",
            "session_key": "'=1",
            "source": "api",
            "source_id": "é",
            "priced_by": "given",
        }

    @pytest.mark.parametrize("count", [0, 1, 3, 6, 7])
    def test_batches_neither_lose_nor_repeat_a_row(
        self, count: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(export, "BATCH", 3)
        for place in range(count):  # in groups of five that share a time
            record(1, timestamp=NOON - timedelta(hours=place // 5))
        rows = parsed("".join(lines(CostRecord.objects.all(), "timestamp")))
        expected = CostRecord.objects.order_by("-timestamp", "-pk").values_list("pk", flat=True)
        assert [int(row["id"]) for row in rows] == list(expected)

    def test_rows_are_read_a_batch_at_a_time(self) -> None:
        record(5_000)
        with CaptureQueriesContext(connection) as made:
            parts = lines(CostRecord.objects.all(), "timestamp")
            next(parts)
            assert len(made) == 0
            assert len(parsed("header\n" + next(parts))) == export.BATCH
            assert len(made) == 1
        assert f"LIMIT {export.BATCH}" in made[0]["sql"]


class TestAction:
    def test_it_exports_the_rows_selected(self, clerk: Client) -> None:
        record(3)
        first, _, last = CostRecord.objects.order_by("pk")
        rows = download(clerk, RECORDS, chosen(first, last))
        assert [row["id"] for row in rows] == [str(last.pk), str(first.pk)]

    def test_it_exports_all_that_match(self, clerk: Client) -> None:
        record(5_000)
        record(10, user_id="bob")
        rows = download(
            clerk, f"{RECORDS}?q=alice", chosen(CostRecord.objects.first(), across=True)
        )
        assert len({row["id"] for row in rows}) == len(rows) == 5_000
        assert {row["user_id"] for row in rows} == {"alice"}
        assert sum(Decimal(row["cost"]) for row in rows) == Decimal("0.000015")

    def test_it_is_a_streamed_download_in_utf_8(self, clerk: Client) -> None:
        record(1, user_id="Зоя")
        with time_machine.travel(NOON):
            response = clerk.post(RECORDS, chosen(CostRecord.objects.get()))
        assert isinstance(response, StreamingHttpResponse)
        assert response["Content-Type"] == "text/csv; charset=utf-8"
        assert response["Content-Disposition"] == (
            'attachment; filename="costrecord-20260315T120000Z.csv"'
        )
        assert ",Зоя," in response.getvalue().decode("utf-8")

    @pytest.mark.parametrize(
        "model",
        [
            *[CostRecord, *ROLLUPS, SessionSpan],
            *[LedgerState, SpendingLimit, UsageImport, ImportedUsage],
        ],
    )
    def test_every_list_has_it(self, clerk: Client, model: type[Model]) -> None:
        record(1, session_key="s")
        seal()
        baker.make(SpendingLimit, daily_limit_nano=1)
        baker.make(UsageImport, report={"users": [{"user_id": "=1"}]})
        baker.make(ImportedUsage, requests=1, cost_nano=1)
        url = f"/admin/costs/{model._meta.model_name}/"
        (row,) = download(clerk, url, chosen(model.objects.get()))
        assert row["id"] == str(model.objects.get().pk)
        assert not any("nano" in name for name in row)

    def test_what_a_list_leaves_out_is_not_read_row_by_row(self, clerk: Client) -> None:
        baker.make(UsageImport, 5)
        with CaptureQueriesContext(connection) as made:
            data = chosen(*UsageImport.objects.all())
            assert len(download(clerk, "/admin/costs/usageimport/", data)) == 5
        assert sum('"report"' in query["sql"] for query in made.captured_queries) <= 3

    def test_it_needs_the_permission_to_view(self, clerk: Client) -> None:
        record(1)
        User.objects.get().user_permissions.clear()
        assert clerk.post(RECORDS, chosen(CostRecord.objects.get())).status_code == 403

    def test_it_is_sent_part_by_part(self, clerk: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(export, "BATCH", 2)
        record(5)
        response = clerk.post(RECORDS, chosen(CostRecord.objects.first(), across=True))
        assert not response.is_async  # what the server's handler sends as it comes
        sent = [part.decode() for part in response]
        assert [part.count("\r\n") for part in sent] == [1, 2, 2, 1]
        assert len(parsed("".join(sent))) == 5
