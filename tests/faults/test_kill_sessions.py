"""kill -9 at any moment of what takes sessions, calls and tasks away or reads them in."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db.models import Sum
from django.utils import timezone

from sessions.events import SessionEnded, ToolEnded
from sessions.models import HookLog, Session, ToolCall, ToolDay, ToolHour, ToolMonth
from sessions.recording import record
from tasks.models import Activity, Attachment, Task
from tests.faults.world import World
from tests.sessions.brute import stored
from tests.sessions.hook_logs.writing import Logs, post, pre

pytestmark = pytest.mark.django_db


def rollups() -> list[Any]:
    """What outlives the calls."""
    fields = ("tool_name", "calls", "failures")
    return [
        sorted(table.objects.values_list(table.key, *fields))
        for table in (ToolHour, ToolDay, ToolMonth)
    ]


class TestPruneSessions:
    AGES = ("--bodies", "30", "--calls", "90", "--batch", "3")

    def told(self) -> list[ToolEnded]:
        """Calls of two ages in each of some sessions, all of them over."""
        now = timezone.now()
        return [
            ToolEnded(
                session_key=f"s{number % 3}",
                at=now - timedelta(days=days, minutes=number),
                tool_use_id=f"{days}-{number}",
                tool_name="Read",
                parameters={"file_path": f"/{number % 4}.py"},
                success=number % 2 > 0,
            )
            for days in (100, 40)
            for number in range(12)
        ]

    def test_no_figure_changes_and_nothing_comes_twice(self, world: World, migrated: str) -> None:
        told = self.told()
        with world.within(migrated):
            record(told)
            _, *figures = stored()
        for name in world.deaths(migrated, "prune_sessions", *self.AGES):
            with world.within(name):
                assert list(stored()[1:]) == figures
                record(told)
                assert list(stored()[1:]) == figures
            world.do(name, "prune_sessions", *self.AGES)
            with world.within(name):
                assert list(stored()[1:]) == figures
                assert [call.is_bare for call in ToolCall.objects.all()] == [True] * 12

    def test_calls_and_the_mark_that_they_are_gone_go_together(
        self, world: World, migrated: str
    ) -> None:
        told = self.told()
        with world.within(migrated):
            record(told)
            _, *figures = stored()
        sign = 'UPDATE "agent_sessions_session" SET "calls_kept_from"'
        world.die(migrated, sign, "prune_sessions", *self.AGES)
        with world.within(migrated):
            record(told)
            assert list(stored()[1:]) == figures

    def test_so_do_bodies_and_theirs(self, world: World, migrated: str) -> None:
        with world.within(migrated):
            record(self.told())
        sign = 'UPDATE "agent_sessions_session" SET "bodies_kept_from"'
        world.die(migrated, sign, "prune_sessions", *self.AGES)
        with world.within(migrated):
            assert not any(call.is_bare for call in ToolCall.objects.all())


class TestPruneFamilies:
    AGES = ("--sessions", "50", "--batch", "3")

    def told(self) -> list[Any]:
        """Three sessions that are over, each with a sub-agent, with seven calls each."""
        at = timezone.now() - timedelta(days=100)
        events: list[Any] = []
        for family in "123":
            for member in "ab":
                key = f"{family}{member}"
                about: Any = {"session_key": key, "parent_key": f"{family}a"[: 2 * (member == "b")]}
                events += [
                    ToolEnded(
                        at=at + timedelta(minutes=number),
                        tool_use_id=f"{number}",
                        tool_name="Read",
                        success=number % 2 > 0,
                        parameters={"file_path": "/x.py"},
                        **about,
                    )
                    for number in range(7)
                ]
                events.append(SessionEnded(session_key=key, at=at + timedelta(hours=1)))
        return events

    @pytest.mark.parametrize("last", [1, 2])
    def test_one_goes_as_a_whole(self, world: World, migrated: str, last: int) -> None:
        with world.within(migrated):
            record(self.told())
        sign = 'DELETE FROM "agent_sessions_session"'
        # Where one statement deletes them all, there is no second one to die at.
        world.mortal.run(world.job(migrated, "prune_sessions", *self.AGES, last=last, sign=sign))
        with world.within(migrated):
            left = set(Session.objects.values_list("key", flat=True))
            assert {key[0] for key in left if key[1] == "a"} == {
                key[0] for key in left if key[1] == "b"
            }
            assert left or last > 1
        world.do(migrated, "prune_sessions", *self.AGES)
        with world.within(migrated):
            assert not Session.objects.exists()

    def test_calls_and_the_mark_that_they_are_gone_go_together(
        self, world: World, migrated: str
    ) -> None:
        told = self.told()
        with world.within(migrated):
            record(told)
            before = rollups()
        sign = 'UPDATE "agent_sessions_session" SET "calls_kept_from"'
        world.die(migrated, sign, "prune_sessions", *self.AGES)
        with world.within(migrated):
            record(told)
            assert rollups() == before


class TestPruneTasks:
    AGES = ("--days", "50", "--batch", "2")

    def store(self) -> None:
        """Six tasks that are over, each with a line, a document, and a session of one call."""
        at = timezone.now() - timedelta(days=100)
        times = dict.fromkeys(("created_at", "status_at", "finished_at"), at)
        for number in range(6):
            task = Task.objects.create(id=f"t{number}", status="completed", updated_at=at, **times)
            task.activity.create(time=at, message="a", event_id="1")
            Attachment.objects.create(
                task=task,
                name="a.txt",
                kind="document",
                media_type="text/plain",
                size=1,
                file=f"f{number}.txt",
            )
            told: Any = {"session_key": f"s{number}", "tool_use_id": "u", "task_id": task.id}
            record([ToolEnded(at=at, tool_name="Read", success=True, **told)])
        Task.objects.update(updated_at=at)

    def test_each_goes_with_all_that_hangs_on_it_or_stays_with_it(
        self, world: World, migrated: str
    ) -> None:
        (world.folder / "attachments").mkdir(exist_ok=True)
        with world.within(migrated):
            self.store()
            before = rollups()
        for name in world.deaths(migrated, "prune_tasks", *self.AGES):
            with world.within(name):
                ids = sorted(Task.objects.values_list("id", flat=True))
                for table in (Activity, Attachment, Session):
                    told = table._default_manager.values_list("task_id", flat=True)
                    assert sorted(told) == ids, table
                assert ToolCall.objects.count() == len(ids)
                assert rollups() == before
            world.do(name, "prune_tasks", *self.AGES)
            with world.within(name):
                assert not Task.objects.exists()
                assert not Session.objects.exists()
                assert rollups() == before


class TestImportHookLogs:
    @pytest.fixture
    def folder(self, tmp_path: Path) -> str:
        """Two batches and more, with starts that wait at the end of each."""
        logs = Logs(tmp_path / "sessions")
        starts = [pre(number, "Read" if number % 4 else "Bash") for number in range(800)]
        ends = [post(number + 1.5, "Read" if number % 3 else "Bash") for number in range(800)]
        logs.session("s", starts, ends)
        logs.session("t", [pre(number) for number in range(9)], [post(n + 0.5) for n in range(7)])
        return str(logs.root)

    def taken(self) -> list[Any]:
        fields = ("tool_use_id", "tool_name", "started_at", "finished_at", "success")
        return [
            sorted(ToolCall.objects.values_list("session__key", *fields), key=repr),
            sorted(HookLog.objects.values_list("session__key", "name", "offset", "lines")),
            rollups(),
            Session.objects.aggregate(calls=Sum("calls"), failures=Sum("failures")),
        ]

    @pytest.fixture
    def whole(self, world: World, migrated: str, folder: str) -> list[Any]:
        """What is there where nothing went wrong."""
        name = world.databases.make(migrated)
        world.do(name, "import_hook_logs", folder)
        with world.within(name):
            return self.taken()

    @pytest.mark.parametrize("batch", [1, 2])
    def test_calls_and_how_far_they_were_read_go_together(
        self, world: World, migrated: str, folder: str, whole: list[Any], batch: int
    ) -> None:
        sign = 'INSERT INTO "agent_sessions_hooklog"'
        world.die(migrated, sign, "import_hook_logs", folder, last=batch)
        world.do(migrated, "import_hook_logs", folder)
        with world.within(migrated):
            assert self.taken() == whole
