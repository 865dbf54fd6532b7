import re
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from django.apps import apps
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.db.models import Model
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from model_bakery import baker

from costs.admin import imports
from costs.ledger import record_many, seal
from costs.models import (
    ROLLUPS,
    CostRecord,
    ImportedUsage,
    LedgerState,
    SessionSpan,
    SpendingLimit,
    UsageImport,
    UserHour,
)
from costs.usage import Usage
from costs.usage_json.report import UserLine
from records import admin as records

EVIDENCE = [CostRecord, *ROLLUPS, SessionSpan, LedgerState, UsageImport, ImportedUsage]
RECORDS = "/admin/costs/costrecord/"
LIMITS = "/admin/costs/spendinglimit/"
HOSTILE = "<script>alert('1')</script>\"&"
NOON = datetime(2026, 3, 15, 12, tzinfo=UTC)

pytestmark = pytest.mark.django_db


def record(*user_ids: str, **fields: Any) -> None:
    """A request of 3 nano-dollars for each user, an hour old unless said otherwise."""
    given = {"model": "opus", "input_tokens": 1, "output_tokens": 2, "cost": Decimal("3e-9")}
    given |= {"timestamp": timezone.now() - timedelta(hours=1), "session_key": "s"}
    record_many([Usage(user_id=user_id, **(given | fields)) for user_id in user_ids])


def staff(client: Client, *models: type[Model], deeds: tuple[str, ...] = ("view",)) -> Client:
    """Somebody of the staff, with leave for these deeds on these models, signed in."""
    person = User.objects.create_user("clerk", is_staff=True)
    names = [f"{deed}_{model._meta.model_name}" for deed in deeds for model in models]
    person.user_permissions.set(Permission.objects.filter(codename__in=names))
    client.force_login(person)
    return client


def one_of_each() -> None:
    record("alice", timestamp=timezone.now() - timedelta(hours=3))
    seal()
    baker.make(UsageImport, report={"users": [], "notes": {}})
    baker.make(ImportedUsage, requests=1, cost_nano=2)
    baker.make(SpendingLimit, user_id="alice")


def address(model: type[Model], page: str = "") -> str:
    return f"/admin/costs/{model._meta.model_name}/{page}"


def body(client: Client, url: str) -> str:
    response = client.get(url)
    assert response.status_code == 200, f"{url} answers {response.status_code}"
    return response.content.decode()


def listed(client: Client, url: str, column: str = "user_id") -> list[str]:
    """What a column of the list shows, from the top."""
    return re.findall(rf'class="field-{column}[^"]*">(?:<a[^>]*>)?([^<]*)<', body(client, url))


@pytest.fixture
def reader(client: Client) -> Client:
    return staff(client, *EVIDENCE, SpendingLimit)


class TestPermission:
    @pytest.mark.parametrize("model", [*EVIDENCE, SpendingLimit])
    def test_every_page_needs_it(self, client: Client, model: type[Model]) -> None:
        one_of_each()
        pages = [address(model), address(model, f"{model.objects.get().pk}/change/")]
        assert {client.get(page).status_code for page in pages} == {302}
        staff(client)
        assert {client.get(page).status_code for page in pages} == {403}

    @pytest.mark.parametrize("model", [*EVIDENCE, SpendingLimit])
    def test_reading_takes_the_one_to_view(self, client: Client, model: type[Model]) -> None:
        one_of_each()
        staff(client, model)
        body(client, address(model))
        body(client, address(model, f"{model.objects.get().pk}/change/"))

    def test_every_model_has_a_page(self) -> None:
        assert {*EVIDENCE, SpendingLimit} == set(apps.get_app_config("costs").get_models())

    @pytest.mark.parametrize("model", EVIDENCE)
    def test_not_even_an_administrator_changes_evidence(
        self, admin_client: Client, model: type[Model]
    ) -> None:
        one_of_each()
        before = model.objects.values().get()
        for page in ["add/", f"{before['id']}/change/", f"{before['id']}/delete/"]:
            sent = {name: str(value) for name, value in before.items()}
            assert admin_client.post(address(model, page), sent).status_code == 403
        chosen = {"action": "delete_selected", "_selected_action": before["id"], "post": "yes"}
        admin_client.post(address(model), chosen)
        assert model.objects.values().get() == before


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


class TestLimits:
    def save(self, client: Client, **fields: str) -> dict[str, list[str]]:
        """The errors of the form; none when it was saved."""
        data = {"user_id": "alice", "daily_limit_nano": "", "monthly_limit_nano": ""}
        response = client.post(f"{LIMITS}add/", data | fields)
        return {} if response.status_code == 302 else response.context["adminform"].errors

    @pytest.fixture
    def editor(self, client: Client) -> Client:
        return staff(client, SpendingLimit, deeds=("view", "add", "change"))

    @pytest.mark.parametrize(
        ("typed", "nano"),
        [
            ("", None),
            ("0", 0),
            ("-0", 0),
            ("12.5", 12_500_000_000),
            ("0.000000001", 1),
            ("1000000", 10**15),
            (" 7 ", 7 * 10**9),
            ("1e3", 10**12),
            ("0e999999999", 0),
        ],
    )
    def test_dollars_are_kept_exactly(self, editor: Client, typed: str, nano: int | None) -> None:
        assert self.save(editor, daily_limit_nano=typed, monthly_limit_nano=typed) == {}
        limit = SpendingLimit.objects.get(user_id="alice")
        assert (limit.daily_limit_nano, limit.monthly_limit_nano) == (nano, nano)

    @pytest.mark.parametrize(
        ("typed", "error"),
        [
            ("-1", "A limit is not negative."),
            ("NaN", "Enter an amount in dollars, such as 12.50."),
            ("Infinity", "Enter an amount in dollars, such as 12.50."),
            ("ten", "Enter an amount in dollars, such as 12.50."),
            ("1" + "0" * 30, "A limit is at most 1,000,000 dollars; leave it blank for none."),
            ("1e999999999", "A limit is at most 1,000,000 dollars; leave it blank for none."),
            ("0.0000000001", "An amount has at most 9 decimals."),
        ],
    )
    def test_bad_amounts_are_named_at_their_field(
        self, editor: Client, typed: str, error: str
    ) -> None:
        assert self.save(editor, daily_limit_nano=typed) == {"daily_limit_nano": [error]}
        assert self.save(editor, monthly_limit_nano=typed) == {"monthly_limit_nano": [error]}
        assert not SpendingLimit.objects.exists()

    def test_a_second_limit_of_a_user_is_refused(self, editor: Client) -> None:
        assert self.save(editor) == {}
        assert list(self.save(editor)) == ["user_id"]

    def test_the_form_shows_dollars_and_what_blank_means(self, editor: Client) -> None:
        limit = baker.make(SpendingLimit, daily_limit_nano=100 * 10**9, monthly_limit_nano=1)
        html = body(editor, f"{LIMITS}{limit.pk}/change/")
        assert re.findall(r'_limit_nano" value="([^"]*)"', html) == ["100", "0.000000001"]
        assert html.count("Left blank, spending is unlimited; 0 allows nothing.") == 2

    def test_saving_without_a_change_changes_nothing(self, editor: Client) -> None:
        limit = baker.make(SpendingLimit, user_id="alice", daily_limit_nano=1, last_warning_at=NOON)
        before = SpendingLimit.objects.values().get()
        data = {"user_id": "alice", "daily_limit_nano": "1e-9", "last_warning_at": ""}
        response = editor.post(f"{LIMITS}{limit.pk}/change/", data)
        assert response.status_code == 302
        assert SpendingLimit.objects.values().get() == before
        assert "No fields changed." in body(editor, f"{LIMITS}{limit.pk}/history/")

    def test_the_list_tells_unlimited_from_nothing(self, reader: Client) -> None:
        baker.make(SpendingLimit, daily_limit_nano=None, monthly_limit_nano=0)
        assert listed(reader, LIMITS, "column") == ["unlimited", "$0.000000000", "never"]


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
