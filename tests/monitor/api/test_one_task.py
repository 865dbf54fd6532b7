"""All that is told of one task."""

from urllib.parse import quote

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from tasks.models import Activity, Task
from tasks.reporting import report
from tests.monitor.api.asking import NO_IDS, get, refused, told
from tests.monitor.api.nothing import NOTHING
from tests.monitor.cast import HOSTILE, ago, called, task, tell

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]


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
