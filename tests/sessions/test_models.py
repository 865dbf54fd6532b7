from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.apps import apps
from django.contrib.sessions.models import Session as LoginSession
from django.db import IntegrityError
from model_bakery import baker

from sessions.models import Session, ToolCall
from tasks.models import Task

START = datetime(2026, 3, 1, tzinfo=UTC)
END = START + timedelta(days=1)
INSTANT = timedelta(microseconds=1)

pytestmark = pytest.mark.django_db


def session(started_at: datetime, last_activity_at: datetime, **fields: Any) -> Session:
    return baker.make(Session, started_at=started_at, last_activity_at=last_activity_at, **fields)


def call(**fields: Any) -> ToolCall:
    parent = fields.pop("session", None) or session(START, START)
    return baker.make(ToolCall, session=parent, **fields)


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
        session(START, START, key="a")
        with pytest.raises(IntegrityError, match="key"):
            session(START, START, key="a")

    def test_it_outlives_its_task(self) -> None:
        kept = session(START, START, task=baker.make(Task))
        kept.task.delete()
        kept.refresh_from_db()
        assert kept.task is None

    def test_between_includes_the_start_and_excludes_the_end(self) -> None:
        first, last = session(START, END), session(END - INSTANT, END)
        session(START - INSTANT, END)
        session(END, END)
        assert set(Session.objects.between(START, END)) == {first, last}


class TestToolCall:
    def test_between_includes_the_start_and_excludes_the_end(self) -> None:
        first, last = call(started_at=START), call(started_at=END - INSTANT)
        call(started_at=START - INSTANT)
        call(started_at=END)
        assert set(ToolCall.objects.between(START, END)) == {first, last}

    def test_it_refuses_the_same_use_twice_in_a_session(self) -> None:
        one = call(tool_use_id="toolu_1").session
        call(tool_use_id="toolu_1")
        with pytest.raises(IntegrityError):
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
