import re
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.apps import apps
from django.db import connection
from django.db.models import Model
from django.test import Client
from model_bakery import baker

from records import admin as records
from sessions.models import (
    FileAccess,
    HookLog,
    ImportedFile,
    Session,
    SessionActivity,
    ToolCall,
    ToolDay,
    ToolHour,
    ToolMonth,
)
from tasks.models import Task
from tests.tasks.admin_pages import (
    HOSTILE,
    INLINE,
    address,
    assert_nobody_changes,
    body,
    detail,
    listed,
    plan,
    staff,
    statements,
    unbounded_counts,
)

NOON = datetime(2026, 3, 15, 12, tzinfo=UTC)
MODELS: list[type[Model]] = [
    Session,
    SessionActivity,
    ToolCall,
    ToolDay,
    ToolHour,
    ToolMonth,
    FileAccess,
    ImportedFile,
    HookLog,
]
SESSIONS, CALLS = address(Session), address(ToolCall)

pytestmark = pytest.mark.django_db


def session(key: str = "s-1", at: datetime = NOON, **fields: Any) -> Session:
    return baker.make(Session, key=key, started_at=at, last_activity_at=at, **fields)


def call(of: Session, at: datetime = NOON, **fields: Any) -> ToolCall:
    return baker.make(ToolCall, session=of, started_at=at, **({"tool_name": "Bash"} | fields))


def one_of_each(text: str = "a") -> list[Model]:
    of = session(text, user_id=text)
    return [
        of,
        call(of, tool_name=text, file_path=text, error=text, parameters={text: text}),
        baker.make(
            SessionActivity,
            session=of,
            event=text,
            message=text,
            event_id=text,
            metadata={text: text},
        ),
        baker.make(ToolHour, tool_name=text, hour=NOON, calls=1, failures=0),
        baker.make(ToolDay, tool_name=text, day=date(2026, 3, 1), calls=1, failures=0),
        baker.make(ToolMonth, tool_name=text, month=date(2026, 3, 1), calls=1, failures=0),
        baker.make(FileAccess, session=of, path=text),
        baker.make(ImportedFile, path=text),
        baker.make(HookLog, session=of, name=text),
    ]


@pytest.fixture
def reader(client: Client) -> Client:
    return staff(client, *MODELS)


class TestPermission:
    def test_every_page_needs_it(self, client: Client) -> None:
        rows = one_of_each()
        pages = [page for row in rows for page in (address(type(row)), detail(row))]
        assert {client.get(page).status_code for page in pages} == {302}
        staff(client)
        assert {client.get(page).status_code for page in pages} == {403}
        for row in rows:
            staff(client, type(row))
            assert {client.get(url).status_code for url in (address(type(row)), detail(row))} == {
                200
            }

    def test_every_model_has_a_page(self) -> None:
        assert set(MODELS) == set(apps.get_app_config("agent_sessions").get_models())

    def test_not_even_an_administrator_changes_records(self, admin_client: Client) -> None:
        for row in one_of_each():
            assert_nobody_changes(admin_client, row)


class TestPages:
    def test_hostile_names_are_only_text(self, reader: Client) -> None:
        for row in one_of_each(HOSTILE):
            for page in (address(type(row)), detail(row)):
                html = body(reader, page)
                assert "&lt;script&gt;alert" in html
                assert "<script>alert" not in html

    def test_nothing_in_them_is_inline(self, reader: Client) -> None:
        for row in one_of_each():
            for page in (address(type(row)), detail(row)):
                assert not re.search(INLINE, body(reader, page))

    def test_times_are_in_utc(self, reader: Client, settings: Any) -> None:
        settings.TIME_ZONE = "Asia/Tokyo"
        of = session()
        assert "2026-03-15 12:00:00" in listed(reader, SESSIONS, "column")
        assert "2026-03-15 12:00:00" in body(reader, detail(call(of)))

    def test_the_parameters_of_a_call_are_shown_in_lines(self, reader: Client) -> None:
        made = call(session(), parameters={"list": [1], "command": "echo <b>ü</b>"})
        assert (
            "<pre>{\n  &quot;list&quot;: [\n    1\n  ],\n"
            "  &quot;command&quot;: &quot;echo &lt;b&gt;ü&lt;/b&gt;&quot;\n}</pre>"
        ) in body(reader, detail(made))

    def test_a_call_names_its_session(self, reader: Client) -> None:
        of = session("s-77")
        assert listed(reader, f"{CALLS}?", "session") == []
        made = call(of)
        assert listed(reader, CALLS, "session") == ["s-77"]
        assert f'<a href="{detail(of)}">{of.pk}</a>' in body(reader, detail(made))

    def test_a_session_names_a_task_that_may_be_unknown(self, reader: Client) -> None:
        one = session(task_id="not known")
        link = '<a href="/admin/tasks/task/not%20known/change/">not known</a>'
        assert link in body(reader, SESSIONS)
        assert link in body(reader, detail(one))

    def test_the_newest_come_first(self, reader: Client) -> None:
        for number in (2, 3, 1):
            at = NOON + timedelta(minutes=number)
            call(session(f"{number}", at), at, tool_name=f"Tool{number}")
        assert listed(reader, CALLS, "tool_name") == ["Tool3", "Tool2", "Tool1"]
        assert listed(reader, SESSIONS, "column")[::5] == ["3", "2", "1"]


class TestSearchAndFilters:
    def test_a_session_is_found_by_its_whole_key_or_task(self, reader: Client) -> None:
        session("a")
        session("ab", task_id="a")
        session("b", task=baker.make(Task, id="ac"))
        assert sorted(listed(reader, f"{SESSIONS}?q=a", "column")[::5]) == ["a", "ab"]

    @pytest.mark.parametrize("model", [ToolCall, FileAccess, HookLog, SessionActivity])
    def test_what_belongs_to_a_session_is_found_by_its_whole_key(
        self, reader: Client, model: type[Model]
    ) -> None:
        one_of_each("a")
        one_of_each("ab")
        assert listed(reader, f"{address(model)}?q=a", "session") == ["a"]

    @pytest.mark.parametrize("model", [ToolDay, ToolHour, ToolMonth])
    def test_a_tool_is_found_by_its_whole_name(self, reader: Client, model: type[Model]) -> None:
        one_of_each("Bash")
        one_of_each("BashOutput")
        assert listed(reader, f"{address(model)}?q=Bash", "tool_name") == ["Bash"]

    def test_calls_are_narrowed_by_outcome_and_period(self, reader: Client) -> None:
        of = session()
        call(of, tool_name="Failed", success=False, finished_at=NOON)
        call(of, NOON - timedelta(days=2), tool_name="Running")
        assert listed(reader, f"{CALLS}?success__exact=0", "tool_name") == ["Failed"]
        with time_machine.travel(NOON, tick=False):
            assert listed(reader, f"{CALLS}?period=24h", "tool_name") == ["Failed"]
            assert len(listed(reader, f"{CALLS}?period=7d", "tool_name")) == 2


class TestQuickness:
    """On a million of calls: nothing is counted, sorted or read to its end."""

    @pytest.mark.parametrize(
        ("model", "queries"),
        [
            (Session, 6),
            (SessionActivity, 6),
            (ToolCall, 6),
            (ToolHour, 6),
            (ToolDay, 6),
            (ToolMonth, 6),
            (FileAccess, 6),
            (ImportedFile, 6),
            (HookLog, 6),
        ],
    )
    def test_a_list_takes_as_many_statements_for_many_rows_as_for_one(
        self, reader: Client, model: type[Model], queries: int
    ) -> None:
        for number in range(110):
            one_of_each(f"{number}")
            if number in (0, 109):
                made = statements(reader, address(model))
                assert (len(made), unbounded_counts(made)) == (queries, [])

    def test_a_list_of_calls_leaves_their_parameters_where_they_are(self, reader: Client) -> None:
        call(session())
        assert not any('"parameters"' in sql for sql in statements(reader, CALLS))

    def test_a_count_is_broken_off(self, reader: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(records, "COUNTED", 100)
        of = session()
        baker.make(ToolCall, session=of, started_at=NOON, _quantity=101)
        assert "100+ tool calls" in body(reader, CALLS)

    @pytest.mark.skipif(connection.vendor != "sqlite", reason="reads SQLite plans")
    @pytest.mark.parametrize(
        ("url", "index"),
        [
            (CALLS, "toolcall_between"),
            (f"{CALLS}?period=24h", "toolcall_between"),
            (f"{CALLS}?success__exact=0", "toolcall_errors|toolcall_between"),
            (f"{CALLS}?q=s-1", "toolcall_timeline"),
            (SESSIONS, "session_heard_between"),
            (address(ToolHour), "toolhour_hours"),
            (address(ToolDay), "toolday_days"),
            (address(ToolMonth), "toolmonth_months"),
        ],
    )
    def test_a_page_is_read_in_the_order_of_an_index(
        self, reader: Client, url: str, index: str
    ) -> None:
        call(session())
        (page,) = (
            sql
            for sql in statements(reader, url)
            if "ORDER BY" in sql and 'FROM "agent_sessions_' in sql
        )
        assert re.search(index, plan(page))
        assert "TEMP B-TREE FOR ORDER BY" not in plan(page)
