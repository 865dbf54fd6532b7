from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.apps import apps
from django.db import transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from sessions.erasing import Erased, erase
from sessions.events import SessionEvent, SessionNote, ToolEnded, ToolStarted
from sessions.models import Session, ToolCall
from sessions.recording import record
from tests.examples import examples

pytestmark = pytest.mark.django_db

START = datetime(2026, 3, 30, 20, tzinfo=UTC)
# Ids, and what holds them: two runs number their rows differently.
NUMBERED = {"id", "session", "parent"}


def call(key: str, number: int, hours: int, tool: str, ms: int | None, error: str) -> SessionEvent:
    at, path = START + timedelta(hours=hours), {"file_path": f"/src/{number}.py"}
    base: dict[str, Any] = {"session_key": key, "tool_use_id": str(number), "at": at}
    base |= {"tool_name": tool, "parameters": path}
    if ms is None:
        return ToolStarted(**base)
    return ToolEnded(**base, success=not error, error=error, duration_ms=ms)


calls = st.lists(
    st.tuples(
        st.integers(0, 9),
        st.integers(0, 60),
        st.sampled_from(["Bash", "Read"]),
        st.none() | st.integers(0, 10**6),
        st.sampled_from(["", "no such file"]),
    ),
    max_size=8,
)


@contextmanager
def undone() -> Iterator[None]:
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def everything() -> dict[str, list[str]]:
    rows = {}
    for model in apps.get_app_config("agent_sessions").get_models():
        names = [f.name for f in model._meta.concrete_fields if f.name not in NUMBERED]
        told = model._default_manager.values_list(*names)
        rows[model.__name__] = sorted(repr([_plain(value) for value in row]) for row in told)
    return rows


def _plain(value: Any) -> Any:
    return bytes(value) if isinstance(value, memoryview) else value


class TestErase:
    @settings(max_examples=examples(25))
    @given(kept=calls, wrong=calls, below=calls)
    def test_it_leaves_what_there_would_be_without_them(
        self, kept: list[Any], wrong: list[Any], below: list[Any]
    ) -> None:
        real = [call("kept", *told) for told in kept]
        with undone():
            record(real)
            expected = everything()
        with undone():
            record([call("wrong", *told) for told in wrong])
            record(real)
            record([SessionNote(session_key="below", parent_key="wrong", at=START, event="hello")])
            record([call("below", *told) for told in below])
            list(erase(Session.objects.exclude(key="kept")))
            assert everything() == expected

    def test_a_session_takes_its_sub_agents_along_and_both_are_counted_once(self) -> None:
        record([call("a", 1, 0, "Bash", 1, ""), call("b", 1, 0, "Bash", 1, "")])
        record([SessionEvent(session_key="b", parent_key="a", at=START)])
        assert list(erase(Session.objects.all())) == [Erased(2, 2)]
        assert not ToolCall.objects.exists()

    def test_a_session_that_claims_itself_through_others_goes_too(self) -> None:
        record([SessionEvent(session_key="b", parent_key="a", at=START)])
        record([SessionEvent(session_key="a", parent_key="b", at=START)])
        assert list(erase(Session.objects.filter(key="a"))) == [Erased(2, 0)]

    def test_each_family_is_a_transaction(self) -> None:
        record([call("a", 1, 0, "Bash", 1, ""), call("b", 1, 0, "Bash", 1, "")])
        families = erase(Session.objects.all())
        next(families)
        assert set(Session.objects.values_list("key", flat=True)) == {"b"}
