from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from django.db.models import QuerySet
from model_bakery import baker
from pytest_django import DjangoAssertNumQueries

from sessions.durations import unpacked
from sessions.events import InvalidEvent, SessionEnded, SessionEvent, ToolEnded, ToolStarted
from sessions.models import FileAccess, Session, ToolCall, ToolDay, ToolHour, ToolMonth
from sessions.models.session import SessionQuerySet
from sessions.recording import Recorded, record
from tasks.models import Task
from tests.sessions.brute import at

pytestmark = pytest.mark.django_db


def start(**fields: Any) -> ToolStarted:
    return ToolStarted(
        **{"session_key": "s", "at": at(0), "tool_use_id": "t", "tool_name": "Bash"} | fields
    )


def end(**fields: Any) -> ToolEnded:
    return ToolEnded(
        **{"session_key": "s", "at": at(2), "tool_use_id": "t", "tool_name": "Bash"}
        | {"success": True}
        | fields
    )


class TestRecord:
    def test_a_start_and_an_end_are_one_call(self) -> None:
        assert record([start()]) == Recorded(sessions_added=1, calls_added=1)
        call = ToolCall.objects.get()
        assert (call.started_at, call.finished_at, call.success) == (at(0), None, None)
        assert record([end()]) == Recorded(calls_changed=1)
        call.refresh_from_db()
        assert (call.finished_at, call.success, call.duration_ms) == (at(2), True, 2_000)

    def test_what_is_known_is_no_news(self) -> None:
        record([start(), end()])
        assert record([end(), start()]) == Recorded()

    def test_one_id_in_two_sessions_is_two_calls(self) -> None:
        assert record([start(), start(session_key="other")]).calls_added == 2

    def test_the_measured_duration_goes_before_the_clocks(self) -> None:
        record([start(), end(duration_ms=150.4)])
        assert ToolCall.objects.get().duration_ms == 150

    def test_an_end_without_a_start_has_no_duration(self) -> None:
        record([end()])
        call = ToolCall.objects.get()
        assert (call.started_at, call.duration_ms) == (at(2), None)

    def test_an_end_with_a_duration_tells_its_start(self) -> None:
        record([end(duration_ms=500)])
        assert ToolCall.objects.get().started_at == at(1.5)

    def test_a_start_after_its_end_tells_no_duration(self) -> None:
        record([start(at=at(6)), end()])
        call = ToolCall.objects.get()
        assert (call.started_at, call.duration_ms) == (at(2), None)

    def test_a_failure_has_a_category_and_a_fingerprint(self) -> None:
        record([end(success=False, error="open /tmp/4711: Permission denied")])
        record([end(success=False, error="open /tmp/815: Permission denied", tool_use_id="u")])
        one, two = ToolCall.objects.all()
        assert one.error_category == two.error_category == "permission_error"
        assert one.error_fingerprint == two.error_fingerprint != ""

    def test_secrets_are_taken_out_at_any_depth_and_from_texts(self) -> None:
        hidden = "sk-ant-api03-" + "a1B2" * 12
        parameters = {
            "author": "ada",
            "env": [{"api_key": "plain", "note": f"uses {hidden}"}],
        }
        told = {"parameters": parameters, "title": f"Rotate {hidden}"}
        record([end(success=False, error=f"401 for {hidden}", **told)])
        call = ToolCall.objects.get()
        assert call.parameters["author"] == "ada"
        assert call.parameters["env"][0]["api_key"] == "[redacted]"
        for text in (str(call.parameters), call.error, Session.objects.get().title):
            assert hidden not in text
            assert "plain" not in text

    def test_secrets_in_the_address_of_a_workspace_are_taken_out(self) -> None:
        record([start(workspace="https://ada:hunter2@host/repository\0")])
        assert Session.objects.get().workspace == "https://ada:[redacted]@host/repository\ufffd"

    def test_sizes_are_capped(self) -> None:
        record([end(success=False, error="x" * 10**6, parameters={"content": "y" * 10**6})])
        call = ToolCall.objects.get()
        assert len(call.error) < 11_000
        assert len(str(call.parameters)) < 20_000

    def test_a_path_too_long_keeps_its_end(self) -> None:
        record([start(tool_name="Read", parameters={"file_path": "/a" * 400 + "/b.py"})])
        path = FileAccess.objects.get().path
        assert (len(path), path[-5:]) == (500, "/b.py")

    @pytest.mark.parametrize(
        ("field", "event"),
        [
            ("session_key", start(session_key="")),
            ("session_key", start(session_key="k" * 201)),
            ("session_key", start(session_key="a\nb")),
            ("session_key", start(session_key="a\0b")),
            ("session_key", start(session_key="../etc")),
            ("session_key", start(session_key="a\u202eb")),
            ("at", start(at=datetime(2026, 1, 1))),
            ("at", start(at=datetime(1969, 12, 31, tzinfo=UTC))),
            ("at", start(at=datetime(9999, 6, 1, tzinfo=UTC))),
            ("tool_use_id", start(tool_use_id="")),
            ("tool_use_id", start(tool_use_id="a\0b")),
            ("tool_name", start(tool_name="n" * 129)),
            ("tool_name", start(tool_name="\ud800")),
            ("title", start(title=7)),
            ("error", end(error=None)),
            ("parameters", start(parameters=[1])),
            ("agent", start(agent="a\0b")),
            ("host", start(host="\ud800")),
            ("reason", SessionEnded(session_key="s", at=at(0), reason="a\0b")),
            ("duration_ms", end(duration_ms=-1.0)),
            ("duration_ms", end(duration_ms=float("nan"))),
            ("input_tokens", end(input_tokens=-1)),
            ("parent_key", start(parent_key="s")),
            ("task_id", start(task_id="t" * 65)),
        ],
    )
    def test_what_cannot_be_right_is_refused_with_its_place(
        self, field: str, event: SessionEvent
    ) -> None:
        with pytest.raises(InvalidEvent) as refusal:
            record([start(tool_use_id="fine"), event])
        assert (refusal.value.field, refusal.value.place) == (field, 1)
        assert not Session.objects.exists()

    def test_a_session_that_is_pruned_meanwhile_is_made_anew(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def prune_first(rows: QuerySet[Session]) -> QuerySet[Session]:
            monkeypatch.undo()
            Session.objects.all().delete()
            return rows.select_for_update()

        record([SessionEvent(session_key="s", at=at(0))])
        monkeypatch.setattr(SessionQuerySet, "select_for_update", prune_first)
        assert record([start(at=at(5))]) == Recorded(sessions_added=1, calls_added=1)
        assert Session.objects.get().started_at == at(5)

    def test_tasks_are_locked_before_sessions_as_a_prune_locks_them(
        self, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        baker.make(Task, id="t1")
        record([start(task_id="t1")])
        with django_assert_num_queries(18) as queries:
            record([end()])
        tables = [str(query["sql"]).partition(" FROM ")[2][:30] for query in queries[1:4]]
        assert [table.split('"')[1] for table in tables] == [
            "agent_sessions_session",
            "tasks_task",
            "agent_sessions_session",
        ]

    def test_the_queries_do_not_grow_with_the_batch(
        self, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        def batch(size: int, kind: str) -> list[ToolStarted]:
            return [start(session_key=kind, tool_use_id=f"{kind}-{n}") for n in range(size)]

        with django_assert_num_queries(17):
            record(batch(2, "small"))
        with django_assert_num_queries(17):
            record(batch(40, "large"))


class TestSession:
    def test_it_spans_its_events(self) -> None:
        record([start(at=at(5)), SessionEvent(session_key="s", at=at(1)), end(at=at(9))])
        session = Session.objects.get()
        assert (session.started_at, session.last_activity_at) == (at(1), at(9))

    def test_news_after_its_end_opens_it_again(self) -> None:
        record([SessionEnded(session_key="s", at=at(5), reason="clear")])
        assert Session.objects.get().has_ended
        record([start(at=at(6))])
        assert not Session.objects.get().has_ended

    def test_the_latest_word_on_each_fact_counts(self) -> None:
        record([start(at=at(3), model="opus", user_id="ada")])
        record([start(at=at(1), model="haiku", host="box"), start(at=at(4), user_id="")])
        session = Session.objects.get()
        assert (session.model, session.user_id, session.host) == ("opus", "ada", "box")

    def test_it_counts_its_calls_and_failures(self) -> None:
        record([start(), end(tool_use_id="u", success=False), start(session_key="other")])
        session = Session.objects.get(key="s")
        assert (session.calls, session.failures) == (2, 1)

    def test_a_subagent_keeps_its_parent_alive(self) -> None:
        record([SessionEvent(session_key="child", parent_key="s", at=at(7), agent="reviewer")])
        child = Session.objects.get(key="child")
        assert child.parent
        assert (child.parent.key, child.parent.last_activity_at) == ("s", at(7))

    def test_what_it_does_is_news_of_its_task(self) -> None:
        baker.make(Task, id="task", updated_at=at(0))
        record([SessionEvent(session_key="s", at=at(1), task_id="task")])
        record([start(at=at(8))])
        assert Task.objects.get().updated_at == at(8)

    def test_it_may_name_a_task_that_is_not_known_yet(self) -> None:
        record([start(task_id="later")])
        assert Session.objects.get().task_id == "later"
        assert not Task.objects.exists()


class TestRollups:
    def test_a_call_counts_on_the_utc_day_of_its_start(self) -> None:
        record([start(), end(at=at(20), success=False)])
        day = ToolDay.objects.get()
        assert (str(day.day), day.calls, day.failures) == ("2025-12-31", 1, 1)
        assert (day.timed, day.total_ms, unpacked(day.durations)) == (1, 20_000, {590: 1})

    def test_a_start_that_comes_late_moves_the_call_to_its_day(self) -> None:
        record([end(at=at(20))])
        assert str(ToolDay.objects.get().day) == "2026-01-01"
        record([start()])
        assert str(ToolDay.objects.get().day) == "2025-12-31"
        assert str(ToolMonth.objects.get().month) == "2025-12-01"
        assert str(ToolHour.objects.get()) == "Bash 2025-12-31 23:00"

    def test_files_are_counted_by_what_was_done_to_them(self) -> None:
        for number, tool in enumerate(["Read", "Read", "Write", "Edit", "NotebookEdit"]):
            name = "notebook_path" if tool == "NotebookEdit" else "file_path"
            event = start(tool_name=tool, tool_use_id=str(number), parameters={name: "/w/a"})
            record([event])
        file = FileAccess.objects.get()
        assert (file.reads, file.writes, file.edits) == (2, 1, 2)

    def test_they_outlive_their_calls(self) -> None:
        record([start(), end()])
        Session.objects.all().delete()
        assert ToolDay.objects.get().calls == 1
        assert ToolMonth.objects.get().calls == ToolHour.objects.get().calls == 1

    def test_a_day_is_utc_wherever_the_clock_stands(self) -> None:
        record([start(at=at(20).astimezone(timezone(timedelta(hours=13))))])
        assert str(ToolDay.objects.get().day) == "2026-01-01"
