from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.apps import apps
from django.contrib.sessions.models import Session as LoginSession
from django.db import IntegrityError
from hypothesis import given
from hypothesis import strategies as st
from model_bakery import baker

from sessions.models import (
    FileAccess,
    HookLog,
    ImportedFile,
    Session,
    ToolCall,
    ToolDay,
    ToolHour,
    ToolMonth,
)
from sessions.models.session import ACTIVE_FOR, IDLE_FOR
from tasks.models import Task

START = datetime(2026, 3, 1, tzinfo=UTC)
END = START + timedelta(days=1)
NOW = END
INSTANT = timedelta(microseconds=1)


def session(
    started_at: datetime = START, last_activity_at: datetime | None = None, **fields: Any
) -> Session:
    given = {"started_at": started_at, "last_activity_at": last_activity_at or started_at}
    return baker.make(Session, **(given | fields))


def call(**fields: Any) -> ToolCall:
    parent = fields.pop("session", None) or session()
    return baker.make(ToolCall, session=parent, **({"started_at": START} | fields))


def keys(rows: Any) -> set[str]:
    return {row.key for row in rows}


@pytest.mark.django_db
class TestSession:
    def test_it_is_not_djangos_own(self) -> None:
        assert Session._meta.label == "agent_sessions.Session"
        assert Session._meta.db_table != LoginSession._meta.db_table

    def test_no_model_of_the_project_relates_to_login_sessions(self) -> None:
        """The string "sessions.Session" means Django's login session: an easy slip."""
        ours = {"monitor", "sessions", "docsviewer", "costs", "tasks"}
        related = {
            (model, field.name)
            for model in apps.get_models(include_auto_created=True)
            if model.__module__.partition(".")[0] in ours
            for field in model._meta.get_fields()
            if field.related_model is LoginSession
        }
        assert related == set()

    def test_it_refuses_activity_before_its_start(self) -> None:
        with pytest.raises(IntegrityError, match="active_after_start"):
            session(START, START - INSTANT)

    def test_it_refuses_a_key_twice(self) -> None:
        session(key="a")
        with pytest.raises(IntegrityError, match="key"):
            session(key="a")

    def test_it_refuses_a_blank_key(self) -> None:
        with pytest.raises(IntegrityError, match="has_key"):
            session(key="")

    @pytest.mark.parametrize(("calls", "failures"), [(0, 1), (2, 3), (0, -1), (-1, -1)])
    def test_it_refuses_failures_that_are_no_calls(self, calls: int, failures: int) -> None:
        with pytest.raises(IntegrityError, match="failures_are_calls"):
            session(calls=calls, failures=failures)

    def test_it_goes_with_its_task_and_takes_all_that_is_its_own_along(self) -> None:
        task = baker.make(Task)
        gone = session(task=task)
        call(session=session(parent=gone))
        baker.make(FileAccess, session=gone, path="a")
        baker.make(HookLog, session=gone, name="a")
        kept = session()
        task.delete()
        assert Session.objects.get() == kept
        assert not any(model.objects.exists() for model in (ToolCall, FileAccess, HookLog))

    def test_its_task_need_not_be_known_yet(self) -> None:
        early = session(task_id="later")
        assert early.task_id == "later"
        assert baker.make(Task, id="later").sessions.get() == early

    def test_its_duration_lasts_to_its_last_activity(self) -> None:
        assert session(START, END).duration == END - START

    @pytest.mark.parametrize(
        ("key", "task_id", "answer"), [("a", "a", True), ("a", "b", False), ("a", None, False)]
    )
    def test_one_with_the_key_of_its_task_stands_in(
        self, key: str, task_id: str | None, answer: bool
    ) -> None:
        session(key=key, task_id=task_id)
        assert Session.objects.code().exists() is not answer


class TestStatus:
    @pytest.mark.parametrize(
        ("silence", "status"),
        [
            (timedelta(seconds=-1), "active"),
            (timedelta(), "active"),
            (timedelta(minutes=5), "active"),
            (timedelta(minutes=5) + INSTANT, "idle"),
            (timedelta(minutes=30) - INSTANT, "idle"),
            (timedelta(minutes=30), "completed"),
            (timedelta(days=9), "completed"),
        ],
    )
    def test_it_goes_by_the_silence(self, silence: timedelta, status: str) -> None:
        assert Session(last_activity_at=NOW - silence).status(NOW) == status

    @pytest.mark.parametrize(
        ("ended_at", "has_ended"),
        [(NOW, True), (NOW + INSTANT, True), (NOW - INSTANT, False), (None, False)],
    )
    def test_an_end_counts_until_something_is_heard_after_it(
        self, ended_at: datetime | None, has_ended: bool
    ) -> None:
        one = Session(last_activity_at=NOW, ended_at=ended_at)
        assert one.has_ended is has_ended
        assert one.status(NOW) == ("completed" if has_ended else "active")


@pytest.mark.django_db
class TestSessionQuerySet:
    @pytest.mark.parametrize(
        ("query", "field"), [("between", "started_at"), ("heard_between", "last_activity_at")]
    )
    def test_a_range_includes_its_start_and_excludes_its_end(self, query: str, field: str) -> None:
        for name, time in [
            ("before", START - INSTANT),
            ("first", START),
            ("last", END - INSTANT),
            ("after", END),
        ]:
            baker.make(
                Session,
                key=name,
                **({"started_at": START - INSTANT, "last_activity_at": END} | {field: time}),
            )
        assert keys(getattr(Session.objects, query)(START, END)) == {"first", "last"}

    def test_between_leaves_out_those_that_stand_in(self) -> None:
        session(key="a", task_id="a")
        session(key="b", task_id="a")
        assert keys(Session.objects.between(START, END)) == {"b"}

    @pytest.mark.parametrize("edge", [ACTIVE_FOR, IDLE_FOR])
    @pytest.mark.parametrize("beside", [-INSTANT, timedelta(), INSTANT])
    def test_open_are_those_that_are_not_completed(
        self, edge: timedelta, beside: timedelta
    ) -> None:
        one = session(NOW - edge - beside)
        completed = one.status(NOW) == "completed"
        assert Session.objects.open(NOW).exists() is not completed
        assert Session.objects.closed(NOW).exists() is completed

    @given(
        silence=st.integers(-1, 31).map(lambda minutes: timedelta(minutes=minutes)),
        ended=st.none() | st.integers(-40, 1).map(lambda minutes: timedelta(minutes=minutes)),
    )
    def test_open_and_closed_part_all_sessions_as_their_status_does(
        self, silence: timedelta, ended: timedelta | None
    ) -> None:
        one = session(NOW - silence, ended_at=None if ended is None else NOW + ended)
        completed = one.status(NOW) == "completed"
        assert Session.objects.closed(NOW).filter(pk=one.pk).exists() is completed
        assert Session.objects.open(NOW).filter(pk=one.pk).exists() is not completed

    def test_standing_alone_are_those_of_no_known_task_and_no_other_session(self) -> None:
        alone = session(key="alone")
        session(key="dangling", task_id="unknown")
        session(key="unknown", task_id="unknown")
        session(key="of a task", task=baker.make(Task))
        session(key="of another", parent=alone)
        assert keys(Session.objects.standing_alone()) == {"alone", "dangling", "unknown"}

    @pytest.mark.parametrize("text", ["NEEDLE", "needle", "eedl"])
    def test_matching_looks_into_three_fields_in_any_case(self, text: str) -> None:
        session(key="a needle")
        session(key="user", user_id="Needle")
        session(key="title", title="in a Needle stack")
        session(key="agent", agent="needle")
        assert keys(Session.objects.matching(text)) == {"a needle", "user", "title"}

    @pytest.mark.parametrize("text", ["%", "_", "\\"])
    def test_matching_takes_signs_as_they_are(self, text: str) -> None:
        session(key="with", title=f"a{text}b")
        session(key="without", title="ab")
        assert keys(Session.objects.matching(text)) == {"with"}


@pytest.mark.django_db
class TestToolCall:
    def test_between_includes_the_start_and_excludes_the_end(self) -> None:
        first, last = call(started_at=START), call(started_at=END - INSTANT)
        call(started_at=START - INSTANT)
        call(started_at=END)
        assert set(ToolCall.objects.between(START, END)) == {first, last}

    def test_failed_are_those_that_came_back_with_an_error(self) -> None:
        failed = call(success=False, finished_at=END)
        call(success=True, finished_at=END)
        call()
        assert ToolCall.objects.failed().get() == failed

    def test_the_name_of_a_tool_is_matched_whole(self) -> None:
        bash = call(tool_name="Bash")
        call(tool_name="BashOutput")
        call(tool_name="bash")
        assert ToolCall.objects.of_tool("Bash").get() == bash

    def test_it_refuses_the_same_use_twice_in_a_session(self) -> None:
        one = call(tool_use_id="toolu_1").session
        call(tool_use_id="toolu_1")
        with pytest.raises(IntegrityError, match=r"once_a_session|tool_use_id"):
            call(session=one, tool_use_id="toolu_1")

    def test_uses_without_an_id_do_not_clash(self) -> None:
        one = call(tool_use_id="").session
        assert call(session=one, tool_use_id="").pk

    @pytest.mark.parametrize(("success", "finished_at"), [(None, END), (True, None), (False, None)])
    def test_it_refuses_an_outcome_without_a_time_and_the_reverse(
        self, success: bool | None, finished_at: datetime | None
    ) -> None:
        with pytest.raises(IntegrityError, match="outcome_has_time"):
            call(success=success, finished_at=finished_at)

    def test_it_refuses_a_negative_duration(self) -> None:
        assert call(duration_ms=0).pk
        with pytest.raises(IntegrityError, match="duration_is_positive"):
            call(duration_ms=-1)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("table", "unit", "other", "words"),
    [
        (
            ToolHour,
            datetime(2026, 3, 1, 7, tzinfo=UTC),
            datetime(2026, 3, 1, 8, tzinfo=UTC),
            "2026-03-01 07:00",
        ),
        (ToolDay, date(2026, 3, 1), date(2026, 3, 2), "2026-03-01"),
        (ToolMonth, date(2026, 3, 1), date(2026, 4, 1), "2026-03"),
    ],
)
class TestRollups:
    def test_a_tool_has_one_row_a_unit(self, table: Any, unit: Any, other: Any, words: str) -> None:
        row = {"tool_name": "Bash", "calls": 2, "failures": 1}
        assert str(baker.make(table, **row, **{table.key: unit})) == f"Bash {words}"
        baker.make(table, **row, **{table.key: other})
        with pytest.raises(IntegrityError, match=r"once_a|tool_name"):
            baker.make(table, **row, **{table.key: unit})

    @pytest.mark.parametrize(
        "figures",
        [
            {"calls": 0, "failures": 1},
            {"calls": 0, "failures": -1},
            {"calls": -1, "failures": -1},
            {"calls": 1, "failures": 0, "timed": 2},
            {"calls": 1, "failures": 0, "timed": -1},
            {"calls": 1, "failures": 0, "timed": 1, "total_ms": -1},
        ],
    )
    def test_it_refuses_what_no_calls_add_up_to(
        self, table: Any, unit: Any, other: Any, words: str, figures: dict[str, int]
    ) -> None:
        with pytest.raises(IntegrityError, match="are_calls"):
            baker.make(table, tool_name="Bash", **{table.key: unit}, **figures)


@pytest.mark.django_db
class TestFiles:
    @pytest.mark.parametrize(("model", "name"), [(FileAccess, "path"), (HookLog, "name")])
    def test_each_is_known_once_a_session(self, model: Any, name: str) -> None:
        one = session()
        assert "a.py" in str(baker.make(model, session=one, **{name: "a.py"}))
        baker.make(model, session=session(), **{name: "a.py"})
        with pytest.raises(IntegrityError, match="session"):
            baker.make(model, session=one, **{name: "a.py"})

    def test_an_imported_file_is_known_once(self) -> None:
        baker.make(ImportedFile, path="a.py")
        with pytest.raises(IntegrityError, match="path"):
            baker.make(ImportedFile, path="a.py")
