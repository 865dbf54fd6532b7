from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from sessions.events import SessionEnded, SessionEvent
from sessions.models import Session
from tests.monitor.api.asking import BAD_HOURS, BAD_PAGES, NO_IDS, get, refused, told
from tests.monitor.cast import HOSTILE, ago, begun, called, task, tell

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]

DAY = 24 * 60  # minutes


class TestClaudeSessions:
    def test_its_figures_are_those_of_the_rows(self, reader: Client) -> None:
        task("t1")
        tell(
            [
                called(1, 10),
                called(2, 9, success=False),
                begun(3, 1, tool_name="Read"),
                called(4, 5, session_key="old", task_id="", success=False),
                called(5, 3 * DAY, session_key="old", task_id="", tool_name="Grep"),
                called(6, 4, session_key="t1"),  # stands in for a session
                called(7, 3 * DAY, session_key="gone", task_id=""),
            ]
        )
        assert get(reader, "metrics/claude-sessions") == {
            "total_sessions": 1,
            "total_tool_calls": 5,
            "tools_by_type": {"Bash": 4, "Read": 1},
            "blocked_operations": 0,
            "errors": 2,
            "time_window_hours": 24,
            "recent_sessions": [
                {
                    "session_id": "s1",
                    "total_tools": 3,
                    "blocked": 0,
                    "errors": 1,
                    "last_activity": told(ago(1)),
                },
                {
                    "session_id": "old",
                    "total_tools": 2,
                    "blocked": 0,
                    "errors": 1,
                    "last_activity": told(ago(5)),
                },
            ],
        }
        week = get(reader, "metrics/claude-sessions?hours=168")
        assert (week["total_sessions"], week["total_tool_calls"]) == (3, 7)
        assert week["tools_by_type"] == {"Bash": 5, "Grep": 1, "Read": 1}

    def test_at_most_twenty_are_named_and_all_counted(self, reader: Client) -> None:
        tell(called(n, n, session_key=f"s{n}", task_id="") for n in range(25))
        answer = get(reader, "metrics/claude-sessions")
        keys = [row["session_id"] for row in answer["recent_sessions"]]
        assert (answer["total_sessions"], keys) == (25, [f"s{n}" for n in range(20)])

    def test_it_is_zero_where_there_is_nothing(self, reader: Client) -> None:
        assert get(reader, "metrics/claude-sessions?hours=1") == {
            "total_sessions": 0,
            "total_tool_calls": 0,
            "tools_by_type": {},
            "blocked_operations": 0,
            "errors": 0,
            "time_window_hours": 1,
            "recent_sessions": [],
        }

    @pytest.mark.parametrize("query", BAD_HOURS)
    def test_bad_hours_are_refused(self, reader: Client, query: str) -> None:
        assert "hours" in refused(reader, f"metrics/claude-sessions?{query}")

    @pytest.mark.parametrize("count", [1, 30])
    def test_it_asks_as_much_for_many_as_for_one(
        self, reader: Client, count: int, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        tell(called(n, n, session_key=f"s{n}", tool_name=f"T{n}") for n in range(count))
        with django_assert_num_queries(4):  # the key, sums of calls, two of sessions
            get(reader, "metrics/claude-sessions")


def alone(key: str, at: float, **facts: Any) -> None:
    tell([SessionEvent(session_key=key, at=ago(at), **facts)])


def names(answer: dict[str, Any]) -> list[str]:
    return [row["session_id"] for row in answer["sessions"]]


class TestCliSessions:
    def test_it_tells_what_a_session_and_its_sub_agents_did(self, reader: Client) -> None:
        tell(
            [
                called(1, 10, task_id=""),
                called(2, 4, task_id="", success=False),
                called(3, 8, session_key="sub", parent_key="s1", task_id="", success=False),
                called(4, 8, session_key="deep", parent_key="sub", task_id=""),
            ]
        )
        assert get(reader, "metrics/cli-sessions") == {
            "total": 1,
            "total_sessions": 1,
            "active_sessions": 1,
            "idle_sessions": 0,
            "total_tool_calls": 4,
            "time_window_hours": 168,
            "sessions": [
                {
                    "session_id": "s1",
                    "start_time": told(ago(10)),
                    "last_activity": told(ago(4)),
                    "duration_seconds": 360,
                    "tool_count": 4,
                    "errors": 2,
                    "status": "active",
                }
            ],
        }

    def test_what_works_on_a_known_task_is_no_cli_session(self, reader: Client) -> None:
        task("t1")
        tell([called(1), called(2, session_key="s2", task_id="unknown")])
        assert names(get(reader, "metrics/cli-sessions")) == ["s2"]

    @pytest.mark.parametrize(
        ("minutes", "status"),
        [(0, "active"), (5, "active"), (5.1, "idle"), (29.9, "idle"), (30, "completed")],
    )
    def test_its_status_follows_its_silence(
        self, reader: Client, minutes: float, status: str
    ) -> None:
        alone("s1", minutes)
        answer = get(reader, "metrics/cli-sessions")
        assert answer["sessions"][0]["status"] == status
        assert (answer["active_sessions"], answer["idle_sessions"]) == (
            int(status == "active"),
            int(status == "idle"),
        )

    def test_one_that_ended_is_completed(self, reader: Client) -> None:
        tell([SessionEnded(session_key="s1", at=ago(1))])
        answer = get(reader, "metrics/cli-sessions")
        assert answer["sessions"][0]["status"] == "completed"
        assert (answer["active_sessions"], answer["idle_sessions"]) == (0, 0)

    def test_the_window_is_of_hours_or_of_minutes(self, reader: Client) -> None:
        for minutes in (1, 50, 2 * DAY, 8 * DAY):
            alone(f"{minutes}", minutes)
        assert names(get(reader, "metrics/cli-sessions")) == ["1", "50", str(2 * DAY)]
        assert names(get(reader, "metrics/cli-sessions?hours=1")) == ["1", "50"]
        assert names(get(reader, "metrics/cli-sessions?minutes=5")) == ["1"]
        assert len(names(get(reader, "metrics/cli-sessions?hours=87840"))) == 4

    def test_its_figures_cover_all_pages(self, reader: Client) -> None:
        tell(called(n, n, session_key=f"s{n}", task_id="") for n in range(5))
        pages = [get(reader, f"metrics/cli-sessions?page={n}&page_size=2") for n in (1, 2, 3, 4)]
        assert [names(page) for page in pages] == [["s0", "s1"], ["s2", "s3"], ["s4"], []]
        assert {(page["total"], page["total_tool_calls"]) for page in pages} == {(5, 5)}

    def test_sessions_that_claim_each_other_as_parents_are_no_trap(self, reader: Client) -> None:
        tell([called(n, 1, session_key=f"s{n}", task_id="") for n in (1, 2, 3)])
        one, two, three = Session.objects.order_by("key")
        Session.objects.filter(pk=two.pk).update(parent=three)
        Session.objects.filter(pk=three.pk).update(parent=two)
        assert get(reader, "metrics/cli-sessions")["total_tool_calls"] == one.calls

    def test_it_is_zero_where_there_is_nothing(self, reader: Client) -> None:
        answer = get(reader, "metrics/cli-sessions?hours=2")
        assert answer.pop("sessions") == []
        assert answer.pop("time_window_hours") == 2
        assert set(answer.values()) == {0}

    @pytest.mark.parametrize("query", [*BAD_HOURS, *BAD_PAGES, "minutes=0", "minutes=x"])
    def test_what_makes_no_sense_is_refused(self, reader: Client, query: str) -> None:
        assert query.partition("=")[0] in refused(reader, f"metrics/cli-sessions?{query}")

    @pytest.mark.parametrize("count", [1, 30])
    def test_it_asks_as_much_for_many_as_for_one(
        self, reader: Client, count: int, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        tell(called(n, n, session_key=f"s{n}", task_id="") for n in range(count))
        # The key, counts, calls, the page, and for its rows: sessions, sub-agents, cost.
        with django_assert_num_queries(7):
            get(reader, "metrics/cli-sessions?page_size=100")


class TestToolUsage:
    def test_each_call_is_an_entry_in_the_order_of_their_beginning(self, reader: Client) -> None:
        tell(
            [
                called(1, 9, duration_ms=1500),
                called(2, 8, success=False, error="No such file or directory"),
                called(3, 7, session_key="sub", parent_key="s1"),
                begun(4, 1),
                called(5, 5, session_key="another"),
            ]
        )
        assert get(reader, "sessions/s1/tool-usage") == {
            "session_id": "s1",
            "summary": {
                "session_id": "s1",
                "total_tools_used": 4,
                "tools_by_type": {"Bash": 4},
                "tools_with_errors": 1,
            },
            "tool_calls": [
                entry(1, 9, 1)
                | {"duration": 1500, "timestamp": told(ago(9) - timedelta(milliseconds=1500))},
                entry(2, 8, 0)
                | {
                    "has_error": True,
                    "error": "No such file or directory",
                    "error_category": "file_not_found",
                },
                entry(3, 7, 1),
                entry(4, 1, None),
            ],
            "has_logs": True,
            "source": "database",
        }

    def test_calls_that_look_alike_are_not_merged(self, reader: Client) -> None:
        tell(called(n, 1, parameters={"command": "ls"}) for n in range(5))
        assert len(get(reader, "sessions/s1/tool-usage")["tool_calls"]) == 5

    def test_pages_go_back_from_the_newest(self, reader: Client) -> None:
        tell(called(n, 10 - n) for n in range(5))
        pages = [get(reader, f"sessions/s1/tool-usage?page={n}&page_size=2") for n in (1, 3, 4)]
        assert [len(page["tool_calls"]) for page in pages] == [2, 1, 0]
        assert {page["summary"]["total_tools_used"] for page in pages} == {5}

    def test_a_session_without_calls_is_empty(self, reader: Client) -> None:
        alone("s1", 1)
        answer = get(reader, "sessions/s1/tool-usage")
        assert (answer["tool_calls"], answer["has_logs"]) == ([], False)

    @pytest.mark.parametrize("key", NO_IDS)
    def test_a_key_of_none_is_not_found(self, reader: Client, key: str) -> None:
        assert refused(reader, f"sessions/{key}/tool-usage", 404)

    @pytest.mark.parametrize("key", HOSTILE)
    def test_any_key_can_be_asked_for(self, reader: Client, key: str) -> None:
        alone(key, 1)
        assert get(reader, f"sessions/{quote(key)}/tool-usage")["session_id"] == key

    @pytest.mark.parametrize("count", [1, 40])
    def test_it_asks_as_much_for_many_as_for_one(
        self, reader: Client, count: int, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        tell(called(n) for n in range(count))
        with django_assert_num_queries(5):  # the key, the session, tools, failures, calls
            get(reader, "sessions/s1/tool-usage")


def entry(n: int, at: float, success: int | None) -> dict[str, Any]:
    return {
        "tool": "Bash",
        "timestamp": told(ago(at)),
        "duration": None,
        "has_error": False,
        "error": None,
        "success": success,
        "parameters": {"command": f"make step-{n}"},
        "error_category": None,
    }
