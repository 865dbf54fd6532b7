from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from tasks.models import Activity, Task
from tasks.reporting import Report, report, report_many

pytestmark = pytest.mark.django_db
TIME = datetime(2026, 3, 1, 12, tzinfo=UTC)
URL = "/api/tasks/t1/activity"


@pytest.fixture(autouse=True)
def task() -> None:
    report(task_id="t1", at=TIME, description="Fix it")


def post(client: Client, url: str = URL, **body: Any) -> Any:
    return client.post(url, body, content_type="application/json")


def rows() -> list[Any]:
    return [list(Task.objects.values()), list(Activity.objects.order_by("time").values())]


class TestAppend:
    def test_one_line(self, agent: Client) -> None:
        response = post(agent, message="Ran", output_lines=12, metadata={"exit": 0})
        assert (response.status_code, response.json()) == (200, {"added": 1, "known": 0})
        line = Activity.objects.get()
        assert (line.message, line.output_lines, line.metadata) == ("Ran", 12, {"exit": 0})
        assert Task.objects.get().updated_at == line.time > TIME

    def test_many_lines_keep_their_order(self, agent: Client) -> None:
        lines = [{"message": text} for text in ("a", "b", "a", "a")]
        assert post(agent, lines=lines).json() == {"added": 4, "known": 0}
        assert [line.message for line in Activity.objects.order_by("time")] == ["a", "b", "a", "a"]

    def test_they_are_the_rows_that_reports_leave(self, agent: Client) -> None:
        lines: list[dict[str, Any]] = [
            {"message": "one", "event_id": "e1", "output_lines": 3},
            {"message": "two", "status": "failed", "metadata": {"exit": 1}},
        ]
        times = ("2026-03-01T12:01:00Z", "2026-03-01T12:02:00+00:00")
        post(agent, lines=[line | {"at": at} for line, at in zip(lines, times, strict=True)])
        by_api = rows()
        Task.objects.all().delete()
        report(task_id="t1", at=TIME, description="Fix it")
        report_many(
            [
                Report(task_id="t1", at=datetime.fromisoformat(at), **line)
                for line, at in zip(lines, times, strict=True)
            ]
        )
        in_process = rows()
        for line in (*by_api[1], *in_process[1]):
            del line["id"]
        assert by_api == in_process
        assert Task.objects.get().status == "failed"

    @pytest.mark.parametrize(
        "line",
        [
            {"message": "a", "at": "2026-03-01T12:01:00Z"},
            {"message": "a", "event_id": "e1"},
            {"message": "a", "event_id": "e1", "status": "failed"},
        ],
    )
    def test_a_repeat_changes_nothing(self, agent: Client, line: dict[str, str]) -> None:
        assert post(agent, **line).json() == {"added": 1, "known": 0}
        before = rows()
        assert post(agent, **line).json() == {"added": 0, "known": 1}
        assert post(agent, lines=[line, line]).json() == {"added": 0, "known": 2}
        assert rows() == before

    def test_secrets_are_taken_out_and_sizes_capped(self, agent: Client) -> None:
        secret = "ghp_" + "a1B2" * 9
        post(agent, message=f"{secret} {'x' * 10_000}", metadata={"api_key": "plain", "x": secret})
        line = Activity.objects.get()
        assert line.metadata == {"api_key": "[redacted]", "x": "[redacted]"}
        assert secret not in line.message
        assert len(line.message) <= 4_000

    @pytest.mark.parametrize("task_id", ["nix", "a%00b"])
    def test_an_unknown_task_is_not_found_and_not_made(self, agent: Client, task_id: str) -> None:
        response = post(agent, f"/api/tasks/{task_id}/activity", message="a")
        assert (response.status_code, response.json()) == (404, {"error": "Task not found"})
        assert Task.objects.count() == 1

    @pytest.mark.parametrize(
        ("body", "error"),
        [
            ({}, "message: a line has a text"),
            ({"lines": []}, "message: a line has a text"),
            ({"message": ""}, "message: a line has a text"),
            ({"lines": [{"message": "a"}], "message": "b"}, "lines: send lines, or one line"),
            ({"lines": [{"message": "a"}], "status": "failed"}, "lines: send lines, or one line"),
            ({"text": "a"}, "unknown field `text`"),
            ({"message": 7}, "`$.message`"),
            ({"message": "a", "output_lines": -1}, "`$.output_lines`"),
            ({"message": "a", "at": "2026-03-01T12:00:00"}, "`$.at`"),
            ({"message": "a", "at": "1960-03-01T12:00:00Z"}, "at: 1960"),
            ({"lines": [{"message": "a"}, {}]}, "`$.lines[1]`"),
            ({"lines": [{"message": "a"}, {"message": ""}]}, "`$.lines[1].message`"),
            ({"lines": [{"message": "a"}, {"message": "b", "event_id": "\t"}]}, "lines[1].event_"),
            ({"lines": [{"message": "a"}] * 1_001}, "length <= 1000 - at `$.lines`"),
        ],
    )
    def test_what_cannot_be_right_is_refused_with_all_its_lines(
        self, agent: Client, body: dict[str, Any], error: str
    ) -> None:
        response = post(agent, **body)
        assert response.status_code == 400
        assert error in response.json()["error"]
        assert not Activity.objects.exists()

    def test_a_thousand_lines_are_taken(self, agent: Client) -> None:
        lines = [{"message": str(number)} for number in range(1_000)]
        assert post(agent, lines=lines).json()["added"] == 1_000

    def test_the_queries_do_not_grow_with_the_lines(
        self, agent: Client, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        for count in (2, 100):
            lines = [{"message": "a", "event_id": f"{count}-{n}"} for n in range(count)]
            with django_assert_num_queries(13):
                post(agent, lines=lines)
