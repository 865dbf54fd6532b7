"""The lists of tasks."""

from typing import Any

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from tasks.models import Task
from tasks.reporting import report
from tests.monitor.api.asking import BAD_PAGES, get, refused, told
from tests.monitor.api.nothing import NOTHING
from tests.monitor.cast import PNG, ago, called, task, tell

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]

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
