from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from model_bakery import baker

from tasks.models import Status, Task


def task(minutes: float, **fields: Any) -> Task:
    at = timezone.now() - timedelta(minutes=minutes)
    times = dict.fromkeys(("created_at", "updated_at", "status_at"), at)
    return baker.make(Task, **({"status": Status.PENDING} | times | fields))


@pytest.mark.django_db
class TestFailStaleTasks:
    def test_it_tells_each_task_and_how_many(self, capsys: Any) -> None:
        task(61, id="a")
        task(31, id="b", status=Status.RUNNING)
        task(59, id="c")
        call_command("fail_stale_tasks")
        assert capsys.readouterr().out.splitlines() == [
            "a: Pending for more than 60 min: no worker took it up.",
            "b: [timeout] No news for more than 30 min.",
            "2 tasks failed.",
        ]
        assert [row.status for row in Task.objects.order_by("id")] == [
            "failed",
            "failed",
            "pending",
        ]

    def test_a_dry_run_changes_nothing(self, capsys: Any) -> None:
        task(61, id="a")
        call_command("fail_stale_tasks", "--dry-run")
        assert capsys.readouterr().out.endswith("took it up.\n1 tasks would fail.\n")
        assert Task.objects.get().status == Status.PENDING

    def test_the_limits_are_chosen(self, capsys: Any) -> None:
        task(5, id="a")
        task(5, id="b", status=Status.RUNNING)
        call_command("fail_stale_tasks", "--pending-minutes", "4", "--silent-minutes", "6")
        assert capsys.readouterr().out.splitlines() == [
            "a: Pending for more than 4 min: no worker took it up.",
            "1 tasks failed.",
        ]

    def test_a_hostile_id_does_not_reach_the_terminal_as_it_is(self, capsys: Any) -> None:
        task(61, id="a\n\x1b[2Jé")
        call_command("fail_stale_tasks")
        assert capsys.readouterr().out.startswith(r"a\n\x1b[2J\xe9: Pending")

    def test_trouble_is_told_and_the_exit_says_so(
        self, capsys: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def troubled(row: Task, error: str) -> None:
            raise ValueError("no more")

        monkeypatch.setattr(Task, "fail", troubled)
        task(61, id="a")
        with pytest.raises(CommandError, match="1 tasks made trouble"):
            call_command("fail_stale_tasks")
        assert capsys.readouterr().out.splitlines() == ["a: not failed: no more", "0 tasks failed."]

    @pytest.mark.parametrize("option", ["--pending-minutes", "--silent-minutes"])
    @pytest.mark.parametrize("number", ["0", "-1", "1.5", "525601", "soon"])
    def test_a_wrong_number_is_refused(self, option: str, number: str) -> None:
        with pytest.raises(CommandError, match="a whole number of minutes from 1 to 525600"):
            call_command("fail_stale_tasks", option, number)
