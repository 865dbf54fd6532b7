from typing import Any
from urllib.parse import quote

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from tasks.models import Activity, Task
from tasks.reporting import report
from tests.monitor.api.asking import BAD_PAGES, NO_IDS, get, refused, told
from tests.monitor.cast import HOSTILE, PNG, ago, begun, called, task, tell

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]

NOTHING = dict.fromkeys(
    ("input_tokens", "output_tokens", "cache_creation_tokens", "cache_read_tokens"), 0
)
ITEM = {
    "task_id",
    "description",
    "status",
    "worker_type",
    "workflow",
    "model",
    "created_at",
    "updated_at",
    "latest_activity",
    "token_usage",
}
LISTS = ["running", "completed", "failed", "all"]


def ids(answer: dict[str, Any]) -> list[str]:
    return [item["task_id"] for item in answer["tasks"]]


def one_of_each() -> None:
    """The state of each is its name, the one with the newest news first."""
    states = ["running", "failed", "stopped", "completed", "pending"]
    for minutes, state in enumerate(states, 1):
        task(state, state, minutes)


class TestLists:
    @pytest.mark.parametrize(
        ("name", "expected"),
        [
            ("running", ["running", "failed", "stopped", "pending"]),
            ("completed", ["completed"]),
            ("failed", ["failed", "stopped"]),
            ("all", ["running", "failed", "stopped", "completed", "pending"]),
        ],
    )
    def test_each_holds_its_states_the_newest_news_first(
        self, reader: Client, name: str, expected: list[str]
    ) -> None:
        one_of_each()
        answer = get(reader, f"tasks/{name}")
        assert ids(answer) == expected
        assert {key: answer[key] for key in ("total", "page", "page_size")} == {
            "total": len(expected),
            "page": 1,
            "page_size": 8,
        }

    def test_only_those_that_run_where_asked_the_newest_created_first(self, reader: Client) -> None:
        one_of_each()
        report(task_id="older", at=ago(90), status="running")
        report(task_id="older", at=ago(0), message="still here")
        assert ids(get(reader, "tasks/running?active_only=true")) == ["running", "older"]
        assert len(ids(get(reader, "tasks/running?active_only=false"))) == 5

    def test_an_item_tells_what_is_known(self, reader: Client) -> None:
        task("t1", description="Fix it", agent_type="code_agent", workflow="ui", model="haiku")
        report(task_id="t1", at=ago(3), message="older")
        report(task_id="t1", at=ago(2), message="newer")
        [item] = get(reader, "tasks/running")["tasks"]
        assert item == {
            "task_id": "t1",
            "description": "Fix it",
            "status": "running",
            "worker_type": "code_agent",
            "workflow": "ui",
            "model": "haiku",
            "created_at": told(ago(5)),
            "updated_at": told(ago(2)),
            "latest_activity": "newer",
            "token_usage": NOTHING,
        }

    @pytest.mark.parametrize("name", LISTS)
    def test_what_was_never_told_is_null(self, reader: Client, name: str) -> None:
        Task.objects.create(id="t1")
        Task.objects.create(id="t2", status="completed", finished_at=ago(1))
        Task.objects.create(id="t3", status="failed", finished_at=ago(1))
        for item in get(reader, f"tasks/{name}")["tasks"]:
            assert set(item) - {"has_output_file"} == ITEM
            assert (item["workflow"], item["latest_activity"]) == (None, None)

    @pytest.mark.parametrize("name", ["completed", "all"])
    def test_a_document_is_an_output_file_and_a_picture_is_not(
        self, reader: Client, name: str
    ) -> None:
        for place, (name_of, content) in enumerate([("out.md", b"# Done"), ("shot.png", PNG)]):
            task(f"t{place}", "completed").attach(name_of, content)
        answer = get(reader, f"tasks/{name}")
        assert {item["task_id"]: item["has_output_file"] for item in answer["tasks"]} == {
            "t0": True,
            "t1": False,
        }

    @pytest.mark.parametrize("name", ["running", "failed"])
    def test_the_other_lists_do_not_tell_of_files(self, reader: Client, name: str) -> None:
        one_of_each()
        assert set(get(reader, f"tasks/{name}")["tasks"][0]) == ITEM

    def test_tokens_are_those_of_all_sessions_and_their_sub_agents(self, reader: Client) -> None:
        task("t1")
        task("t2")
        tell(
            [
                called(1, input_tokens=1, output_tokens=10),
                called(2, session_key="s2", cache_read_tokens=100, cache_write_tokens=1000),
                called(3, session_key="sub", parent_key="s1", task_id="", input_tokens=5),
                called(4, session_key="of t2", task_id="t2", input_tokens=7),
                called(5, session_key="of none", task_id="", input_tokens=10**6),
            ]
        )
        answer = get(reader, "tasks/all")
        assert {
            item["task_id"]: list(item["token_usage"].values()) for item in answer["tasks"]
        } == {
            "t1": [6, 10, 1000, 100],
            "t2": [7, 0, 0, 0],
        }

    @pytest.mark.parametrize("name", LISTS)
    def test_they_are_empty_where_there_is_nothing(self, reader: Client, name: str) -> None:
        empty = {"tasks": [], "total": 0, "page": 1, "page_size": 8}
        assert get(reader, f"tasks/{name}") == empty

    def test_pages_follow_each_other_and_end_with_an_empty_one(self, reader: Client) -> None:
        for number in range(5):
            task(f"t{number}", at=number)
        pages = [get(reader, f"tasks/all?page={page}&page_size=2") for page in (1, 2, 3, 4)]
        assert [ids(page) for page in pages] == [["t0", "t1"], ["t2", "t3"], ["t4"], []]
        assert [(page["total"], page["page"]) for page in pages] == [(5, n) for n in (1, 2, 3, 4)]
        assert ids(get(reader, "tasks/all?page=1000000&page_size=100")) == []

    @pytest.mark.parametrize("name", LISTS)
    @pytest.mark.parametrize("query", BAD_PAGES)
    def test_bad_pages_are_refused_by_name(self, reader: Client, name: str, query: str) -> None:
        assert query.partition("=")[0] in refused(reader, f"tasks/{name}?{query}")

    def test_active_only_is_yes_or_no(self, reader: Client) -> None:
        assert "active_only" in refused(reader, "tasks/running?active_only=maybe")

    @pytest.mark.parametrize("name", LISTS)
    @pytest.mark.parametrize("count", [1, 30])
    def test_it_asks_as_much_for_many_as_for_one(
        self,
        reader: Client,
        name: str,
        count: int,
        django_assert_num_queries: DjangoAssertNumQueries,
    ) -> None:
        for number in range(count):
            for state in ("completed", "failed"):
                task(f"{state}{number}", state).activity.create(time=ago(1), message="x")
                tell([called(number, session_key=f"{state}{number}", task_id=f"{state}{number}")])
        with django_assert_num_queries(6):  # the key, ids, rows, two of tokens, count
            get(reader, f"tasks/{name}?page_size=100")


class TestOneTask:
    def test_it_tells_everything(self, reader: Client) -> None:
        task("t1", "running", 5, user_id="7", model="opus", agent_type="code_agent", pid=42)
        report(task_id="t1", at=ago(4), message="first", workspace="/w", context="{}", phase="p")
        report(
            task_id="t1",
            at=ago(3),
            message="second",
            output_lines=12,
            workflow="w",
            phase_number=2,
            last_agent_type="git",
            description="Fix it",
        )
        report(task_id="t1", at=ago(2), status="failed", error="No", result="none")
        tell([called(1, input_tokens=3)])
        answer = get(reader, "tasks/t1")
        log = answer.pop("activity_log")
        assert answer == {
            "task_id": "t1",
            "user_id": "7",
            "description": "Fix it",
            "status": "failed",
            "created_at": told(ago(5)),
            "updated_at": told(ago(2)),
            "model": "opus",
            "workspace": "/w",
            "agent_type": "code_agent",
            "workflow": "w",
            "context": "{}",
            "current_phase": "p",
            "phase_number": 2,
            "last_agent_type": "git",
            "result": "none",
            "error": "No",
            "pid": 42,
            "token_usage": NOTHING | {"input_tokens": 3},
        }
        assert [line for line in log if line["message"] in ("first", "second")] == [
            {"timestamp": told(ago(4)), "message": "first", "output_lines": None},
            {"timestamp": told(ago(3)), "message": "second", "output_lines": 12},
        ]

    def test_what_was_never_told_is_null_or_blank(self, reader: Client) -> None:
        Task.objects.create(id="t1")
        answer = get(reader, "tasks/t1")
        blank = ("user_id", "description", "model", "workspace", "agent_type")
        null = ("workflow", "context", "current_phase", "last_agent_type", "result", "error", "pid")
        assert all(answer[key] == "" for key in blank)
        assert all(answer[key] is None for key in null)
        assert answer["activity_log"] == []

    def test_its_log_holds_the_newest_thousand_lines_oldest_first(self, reader: Client) -> None:
        Task.objects.create(id="t1")
        Activity.objects.bulk_create(
            Activity(task_id="t1", time=ago(2000 - n), message=f"{n}", event_id=f"{n}")
            for n in range(1010)
        )
        log = get(reader, "tasks/t1")["activity_log"]
        assert [line["message"] for line in log] == [str(n) for n in range(10, 1010)]

    def test_the_prefix_is_taken_off_with_all_that_hangs_on_it(self, reader: Client) -> None:
        task("t1")
        tell([called(1, input_tokens=3)])
        answer = get(reader, "tasks/task_t1")
        assert answer["task_id"] == "t1"
        assert answer["token_usage"]["input_tokens"] == 3

    def test_an_id_that_begins_so_itself_is_meant_first(self, reader: Client) -> None:
        task("task_t1")
        task("t1")
        assert get(reader, "tasks/task_t1")["task_id"] == "task_t1"

    @pytest.mark.parametrize("task_id", NO_IDS)
    def test_an_id_of_none_is_not_found(self, reader: Client, task_id: str) -> None:
        assert refused(reader, f"tasks/{task_id}", 404)

    @pytest.mark.parametrize("task_id", HOSTILE)
    def test_any_id_can_be_asked_for(self, reader: Client, task_id: str) -> None:
        task(task_id)
        assert get(reader, f"tasks/{quote(task_id)}")["task_id"] == task_id

    @pytest.mark.parametrize("lines", [1, 50])
    def test_it_asks_as_much_of_a_long_log(
        self, reader: Client, lines: int, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        one = task("t1")
        for number in range(lines):
            one.activity.create(time=ago(number), message=f"{number}")
        with django_assert_num_queries(4):  # the key, the task, its log, tokens
            get(reader, "tasks/t1")


class TestToolUsage:
    def test_each_call_is_an_entry_in_the_order_of_their_beginning(self, reader: Client) -> None:
        task()
        tell(
            [
                called(1, 9, duration_ms=1500),
                called(2, 8, success=False, error="Exit code 1"),
                called(3, 7, session_key="sub", parent_key="s1", task_id=""),
                begun(4, 1),
            ]
        )
        answer = get(reader, "tasks/t1/tool-usage")
        assert answer["tool_calls"][1] == {
            "timestamp": told(ago(8)),
            "tool_name": "Bash",
            "tool": "Bash",
            "success": 0,
            "has_error": True,
            "error": "Exit code 1",
            "output_preview": "Exit code 1",
            "parameters": {"command": "make step-2"},
            "in_progress": False,
            "duration_ms": None,
        }
        calls = answer["tool_calls"]
        assert [call["success"] for call in calls] == [1, 0, 1, None]
        assert [call["in_progress"] for call in calls] == [False, False, False, True]
        assert (calls[0]["duration_ms"], calls[0]["error"]) == (1500, None)

    def test_calls_that_look_alike_are_not_merged(self, reader: Client) -> None:
        task()
        tell(called(n, 1, parameters={"command": "ls"}) for n in range(5))
        answer = get(reader, "tasks/t1/tool-usage")
        assert len(answer["tool_calls"]) == answer["summary"]["total_tools_used"] == 5

    def test_its_summary_counts_all_calls(self, reader: Client) -> None:
        task()
        tell([called(n, success=n > 1) for n in range(4)] + [called(9, tool_name="Read")])
        answer = get(reader, "tasks/task_t1/tool-usage?page_size=1")
        assert answer["summary"] == {
            "task_id": "t1",
            "total_tools_used": 5,
            "tools_by_type": {"Bash": 4, "Read": 1},
            "blocked_operations": 0,
            "tools_with_errors": 2,
        }
        assert (answer["task_id"], answer["has_logs"], len(answer["tool_calls"])) == ("t1", True, 1)

    def test_pages_go_back_from_the_newest(self, reader: Client) -> None:
        task()
        tell(called(n, 10 - n) for n in range(5))
        pages = [get(reader, f"tasks/t1/tool-usage?page={n}&page_size=2") for n in (1, 2, 3, 4)]
        assert [
            [call["parameters"]["command"][-1] for call in page["tool_calls"]] for page in pages
        ] == [["3", "4"], ["1", "2"], ["0"], []]

    def test_it_tells_of_sub_agents_that_were_sent_off(self, reader: Client) -> None:
        task()
        sent = {"subagent_type": "tester", "description": "Test it"}
        tell(
            [
                called(1, 3, tool_name="Task", parameters=sent),
                called(2, 2, tool_name="Agent", parameters={"description": ["odd"]}),
            ]
        )
        assert get(reader, "tasks/t1/tool-usage")["worker_chain"] == [
            {"worker": "tester", "description": "Test it", "timestamp": told(ago(3))},
            {
                "worker": "unknown",
                "description": "Task agent spawned",
                "timestamp": told(ago(2)),
            },
        ]

    def test_a_call_of_a_session_that_is_over_is_not_in_progress(self, reader: Client) -> None:
        task()
        tell([begun(1, 45)])
        [call] = get(reader, "tasks/t1/tool-usage")["tool_calls"]
        assert (call["success"], call["in_progress"]) == (None, False)

    def test_it_is_empty_for_a_task_without_calls(self, reader: Client) -> None:
        task()
        answer = get(reader, "tasks/t1/tool-usage")
        assert (answer["tool_calls"], answer["worker_chain"], answer["has_logs"]) == ([], [], False)
        assert answer["summary"]["tools_by_type"] == {}

    @pytest.mark.parametrize("task_id", NO_IDS)
    def test_an_id_of_none_is_not_found(self, reader: Client, task_id: str) -> None:
        assert refused(reader, f"tasks/{task_id}/tool-usage", 404)

    @pytest.mark.parametrize("query", ["page=0", "page_size=0", "page_size=1001", "page=x"])
    def test_bad_pages_are_refused(self, reader: Client, query: str) -> None:
        task()
        assert query.partition("=")[0] in refused(reader, f"tasks/t1/tool-usage?{query}")

    @pytest.mark.parametrize("count", [1, 40])
    def test_it_asks_as_much_for_many_as_for_one(
        self, reader: Client, count: int, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        task()
        tell(called(n, session_key=f"s{n}") for n in range(count))
        with django_assert_num_queries(6):  # the key, the task, tools, failures, calls, sub-agents
            get(reader, "tasks/t1/tool-usage")


class TestActivity:
    def test_lines_of_all_logs_the_newest_first(self, reader: Client) -> None:
        task("t1", description="d" * 60)
        task("t2")
        Activity.objects.all().delete()
        report(task_id="t1", at=ago(4), message="one")
        report(task_id="t2", at=ago(3), message="two", output_lines=5)
        report(task_id="t1", at=ago(2), message="three")
        answer = get(reader, "tasks/activity")
        assert [line["message"] for line in answer["activity"]] == ["three", "two", "one"]
        assert answer["total"] == 3
        assert answer["activity"][0] == {
            "task_id": "t1",
            "description": "d" * 50,
            "status": "running",
            "timestamp": told(ago(2)),
            "message": "three",
            "output_lines": None,
        }
        assert answer["activity"][1]["output_lines"] == 5

    def test_sessions_without_a_task_tell_what_they_did_lately(self, reader: Client) -> None:
        tell([called(1, 9, task_id=""), called(2, 4, task_id=""), begun(3, 1, task_id="")])
        tell([called(1, 20, session_key="idle", task_id="")])
        [line] = get(reader, "tasks/activity")["activity"]
        assert line == {
            "task_id": "s1",
            "description": "CLI Session (active)",
            "status": "running",
            "timestamp": told(ago(1)),
            "message": "2 tool calls in last 5min",
            "output_lines": None,
        }

    def test_the_limit_counts_lines(self, reader: Client) -> None:
        one = task("t1")
        for number in range(20):
            one.activity.create(time=ago(number / 10), message=f"{number}")
        answer = get(reader, "tasks/activity?limit=3")
        assert [line["message"] for line in answer["activity"]] == ["0", "1", "2"]
        assert answer["total"] == 3
        assert get(reader, "tasks/activity?limit=100")["total"] == 10  # of each task

    def test_of_one_user_where_asked(self, reader: Client) -> None:
        for user in ("7", "8"):
            task(f"of {user}", user_id=user)
            report(task_id=f"of {user}", at=ago(1), message=f"for {user}")
            tell([called(1, 1, session_key=f"cli {user}", task_id="", user_id=user)])
        answer = get(reader, "tasks/activity?user_id=7&limit=100")
        assert {line["task_id"] for line in answer["activity"]} == {"of 7", "cli 7"}

    def test_it_is_empty_where_there_is_nothing(self, reader: Client) -> None:
        assert get(reader, "tasks/activity") == {"activity": [], "total": 0}

    @pytest.mark.parametrize(
        "query", ["limit=0", "limit=101", "limit=x", "user_id=a%00b", f"user_id={'x' * 65}"]
    )
    def test_what_makes_no_sense_is_refused(self, reader: Client, query: str) -> None:
        assert query.partition("=")[0] in refused(reader, f"tasks/activity?{query}")

    @pytest.mark.parametrize("count", [1, 30])
    def test_it_asks_as_much_for_many_as_for_one(
        self, reader: Client, count: int, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        for number in range(count):
            task(f"t{number}").activity.create(time=ago(1), message="x")
            tell([called(number, session_key=f"s{number}", task_id="")])
        with django_assert_num_queries(5):  # the key, tasks, lines, sessions, calls
            get(reader, "tasks/activity?limit=100")
