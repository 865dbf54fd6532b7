"""The newest lines of all logs."""

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from tasks.models import Activity
from tasks.reporting import report
from tests.monitor.api.asking import get, refused, told
from tests.monitor.cast import ago, begun, called, task, tell

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]


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
