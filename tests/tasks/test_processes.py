import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tasks import processes
from tasks.models import Status, Task
from tasks.processes import alive, ask_to_end

Child = subprocess.Popen[bytes]


@pytest.fixture
def child() -> Iterator[Child]:
    """A process of our own that would sleep for a minute."""
    with subprocess.Popen(["sleep", "60"]) as process:
        yield process
        process.kill()


@pytest.fixture
def ended() -> int:
    """The number of a process that has ended."""
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    return process.pid


def now() -> datetime:
    return datetime.now(UTC)


class TestAlive:
    def test_a_process_lives_until_it_ends(self, child: Child) -> None:
        assert alive(child.pid)
        assert alive(os.getpid(), now())
        child.kill()
        child.wait()
        assert not alive(child.pid)

    def test_one_that_ended_lives_no_more_though_its_parent_has_not_looked(
        self, child: Child
    ) -> None:
        child.kill()
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        assert not alive(child.pid)

    def test_one_of_somebody_else_lives(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def refused(pid: int, number: int) -> None:
            raise PermissionError

        monkeypatch.setattr(os, "kill", refused)
        assert alive(os.getpid())

    def test_a_number_given_anew_is_another_process(self, child: Child) -> None:
        assert alive(child.pid, now())
        assert not alive(child.pid, now() - timedelta(minutes=1))

    def test_where_the_host_tells_no_times_the_number_decides(
        self, child: Child, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(processes, "_told_of", lambda pid: ("", None))
        assert alive(child.pid, now() - timedelta(minutes=1))

    @pytest.mark.parametrize("pid", [0, -1, -os.getpid()])
    def test_a_number_below_one_is_none(self, pid: int) -> None:
        with pytest.raises(ValueError, match="not the number of a process"):
            alive(pid)

    @pytest.mark.parametrize("pid", [2**31 - 1, 2**63])
    def test_no_process_has_a_number_that_high(self, pid: int) -> None:
        assert not alive(pid)

    def test_a_name_full_of_signs_misleads_nobody(self) -> None:
        script = "open('/proc/self/comm', 'w').write(') Z 1 (('); print(flush=True); input()"
        with subprocess.Popen(
            [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as process:
            assert process.stdout
            process.stdout.readline()
            assert alive(process.pid, now())
            assert not alive(process.pid, now() - timedelta(minutes=1))
            process.kill()


def task(pid: int | None, **fields: Any) -> Task:
    given = {"status": Status.RUNNING, "host": socket.gethostname(), "started_at": now()}
    return Task(id="a", pid=pid, **(given | fields))


class TestAskToEnd:
    @pytest.mark.parametrize("status", [Status.RUNNING, Status.STOPPED])
    def test_the_process_of_a_task_is_asked_to_end(self, child: Child, status: Status) -> None:
        assert ask_to_end(task(child.pid, status=status))
        assert child.wait(10) == -signal.SIGTERM

    @pytest.mark.parametrize(
        "fields",
        [
            {"status": Status.PENDING},
            {"status": Status.COMPLETED},
            {"status": Status.FAILED},
            {"host": ""},
            {"host": "elsewhere.example.org"},
            {"started_at": None},
            {"started_at": now() - timedelta(days=1)},
            {"facts_at": {"pid": "2026-01-01T00:00:00.000000+00:00"}},
        ],
    )
    def test_one_that_may_be_another_is_left_alone(
        self, child: Child, fields: dict[str, Any]
    ) -> None:
        assert not ask_to_end(task(child.pid, **fields))
        assert child.poll() is None

    def test_a_process_named_after_the_start_of_its_task_is_its_own(self, child: Child) -> None:
        """As when an agent begins anew: what counts is when its process was named."""
        told = {"pid": now().isoformat(timespec="microseconds")}
        assert ask_to_end(task(child.pid, started_at=now() - timedelta(days=1), facts_at=told))

    def test_without_times_of_processes_nothing_is_sure(
        self, child: Child, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(processes, "_told_of", lambda pid: ("", None))
        assert not ask_to_end(task(child.pid))
        assert child.poll() is None

    @pytest.mark.parametrize("pid", [None, 0, -1, 1, os.getpid(), os.getppid(), 2**63])
    def test_neither_a_group_nor_the_first_nor_this_process_is_ever_asked(
        self, pid: int | None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        sent: list[int] = []
        monkeypatch.setattr(os, "kill", lambda pid, number: sent.append(number))
        assert not ask_to_end(task(pid))
        assert signal.SIGTERM not in sent

    def test_one_that_has_ended_is_not_asked(self, ended: int) -> None:
        assert not ask_to_end(task(ended))

    @pytest.mark.parametrize("fault", [PermissionError, ProcessLookupError])
    def test_one_that_cannot_be_asked_is_said_so(
        self, child: Child, monkeypatch: pytest.MonkeyPatch, fault: type[OSError]
    ) -> None:
        def refused(pid: int, number: int) -> None:
            if number:
                raise fault

        with monkeypatch.context() as patched:
            patched.setattr(os, "kill", refused)
            assert not ask_to_end(task(child.pid))
