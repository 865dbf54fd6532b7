"""The calls of one task."""

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from tests.monitor.api.asking import NO_IDS, get, refused, told
from tests.monitor.cast import ago, begun, called, task, tell

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]


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
