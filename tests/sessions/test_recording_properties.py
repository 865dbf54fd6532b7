"""Any interleaving, repetition and order of events ends in the same rows and the same sums."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sessions.events import SessionEnded, SessionEvent, ToolEnded, ToolStarted
from sessions.models import FileAccess, Session, ToolCall, ToolDay, ToolHour, ToolMonth
from sessions.recording import record
from tests.examples import examples
from tests.sessions.brute import at, expected, stored

# Around a midnight that ends a day, a month and a year.
instants = st.integers(0, 20).map(at)
TOOLS = {"a": "Bash", "b": "Read", "c": "Edit", "d": "Write"}
keys = st.sampled_from(["one", "two"])
parameters = st.sampled_from(
    [None, {}, {"file_path": "/w/a.py"}, {"file_path": "/w/b.py", "limit": 1}, {"command": "ls"}]
)
lengths = st.sampled_from([None, None, 0.0, 1.0, 900.0, 15_000.0])


@st.composite
def events(draw: Any) -> SessionEvent:
    kind = draw(st.sampled_from(["start", "start", "end", "end", "news", "over"]))
    known: dict[str, Any] = {"session_key": draw(keys), "at": draw(instants)}
    known["model"] = draw(st.sampled_from(["", "sonnet", "opus"]))
    if kind == "news":
        return SessionEvent(**known)
    if kind == "over":
        return SessionEnded(**known, reason=draw(st.sampled_from(["", "clear", "logout"])))
    id = draw(st.sampled_from(sorted(TOOLS)))
    known |= {"tool_use_id": id, "tool_name": TOOLS[id], "parameters": draw(parameters)}
    if kind == "start":
        return ToolStarted(**known)
    success = draw(st.booleans())
    error = "" if success else draw(st.sampled_from(["boom", "timed out"]))
    return ToolEnded(**known, success=success, error=error, duration_ms=draw(lengths))


@pytest.mark.django_db
class TestAnyOrder:
    @settings(
        max_examples=examples(80),
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )
    @given(told=st.lists(events(), min_size=1, max_size=14), seed=st.integers(0, 999))
    def test_the_rows_and_the_rollups_are_those_of_the_events(
        self, told: list[SessionEvent], seed: int
    ) -> None:
        for _ in range(2):
            for table in (ToolDay, ToolHour, ToolMonth, FileAccess, ToolCall, Session):
                table.objects.all().delete()
            random, again = Random(seed), told * 2
            random.shuffle(again)
            while again:
                size = random.randint(1, 4)
                record(again[:size])
                again = again[size:]
            assert stored() == expected(told)
            seed += 1
