"""The scripts as real processes, in a folder with a blank in its name and a Python of their own."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

TESTS = Path(__file__).resolve().parent
PROJECT = TESTS.parent
REQUIREMENTS = ("requirements.txt", "requirements-postgres.txt", "requirements-dev.txt")

# Answers for Python: notes each call in `log`; `venv` lays down itself as .venv/bin/python.
FAKE_PYTHON = """#!/bin/sh
echo "$*" >> "$LOG"
case "$*" in
    *version_info*) exit ${OLD:-0} ;;
    *ensurepip*) exit ${NO_ENSUREPIP:-0} ;;
    --version) echo "Python 3.11.2" ;;
    "-m venv .venv") mkdir -p .venv/bin && cp "$0" .venv/bin/python && cp "$0" .venv/bin/pip ;;
    *"pip install"*) exit ${PIP_FAILS:-0} ;;
    *tests.postgres*) exit ${POSTGRES:-0} ;;
    "-m pytest -m browser"*) exit ${BROWSER:-0} ;;
    "-m pytest"*) exit ${SQLITE:-0} ;;
esac
"""


class Machine:
    """A copy of the scripts and a PATH on which every Python is the fake one."""

    def __init__(self, root: Path) -> None:
        self.project = root / "a project"
        self.log = root / "log"
        self.path = root / "bin"
        shutil.copytree(PROJECT / "script", self.project / "script")
        for name in REQUIREMENTS:
            shutil.copy(PROJECT / name, self.project)
        self.path.mkdir()
        for version in ("", ".11", ".12", ".13", ".14"):
            executable = self.path / f"python3{version}"
            executable.write_text(FAKE_PYTHON)
            executable.chmod(0o755)

    def run(self, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Runs a script from another folder with nothing but the given environment."""
        self.log.write_text("")
        script, *arguments = command
        return subprocess.run(
            [self.project / "script" / script, *arguments],
            cwd="/",
            env={"PATH": f"{self.path}:/usr/bin:/bin", "LOG": str(self.log), **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=20,
        )

    def calls(self, part: str) -> list[str]:
        return [line for line in self.log.read_text().splitlines() if part in line]


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


class TestEnvironment:
    def test_the_first_run_makes_and_fills_the_environment(self, machine: Machine) -> None:
        done = machine.run("serve")
        assert done.returncode == 0
        assert machine.calls("venv .venv")
        (install,) = machine.calls("pip install")
        assert install.endswith(" -r requirements.txt")
        assert done.stderr == ""

    def test_the_second_run_starts_at_once(self, machine: Machine) -> None:
        machine.run("serve")
        done = machine.run("serve")
        assert machine.log.read_text() == "manage.py serve\n"
        assert done.stdout == ""

    def test_changed_requirements_are_installed_again(self, machine: Machine) -> None:
        machine.run("serve")
        (machine.project / "requirements.txt").write_text("django==6.0\n")
        machine.run("serve")
        assert machine.calls("pip install")
        assert not machine.calls("venv .venv")

    def test_the_tests_need_more_than_the_server(self, machine: Machine) -> None:
        machine.run("serve")
        machine.run("test")
        (install,) = machine.calls("pip install")
        assert install.endswith(" -r requirements-postgres.txt -r requirements-dev.txt")
        machine.run("serve")
        assert not machine.calls("pip install")

    def test_a_failed_installation_is_tried_again(self, machine: Machine) -> None:
        assert machine.run("serve", PIP_FAILS="1").returncode == 1
        assert not machine.calls("manage.py")
        machine.run("serve")
        assert machine.calls("pip install")
        assert machine.calls("manage.py")

    def test_a_half_made_environment_is_named_with_its_cure(self, machine: Machine) -> None:
        (machine.project / ".venv/bin").mkdir(parents=True)
        shutil.copy(machine.path / "python3", machine.project / ".venv/bin/python")
        done = machine.run("serve")
        assert done.returncode == 1
        assert done.stdout == ""
        assert done.stderr == (
            f"The virtual environment is only half made; type: rm -r '{machine.project}/.venv'\n"
        )

    def test_a_missing_ensurepip_is_named_with_its_cure(self, machine: Machine) -> None:
        done = machine.run("serve", NO_ENSUREPIP="1")
        assert done.returncode == 1
        assert done.stdout == ""
        assert done.stderr == (
            "Python lacks ensurepip; on Debian type: apt-get install python3-venv\n"
        )
        assert not (machine.project / ".venv").exists()

    def test_an_old_python_is_not_enough(self, machine: Machine) -> None:
        done = machine.run("serve", OLD="1")
        assert done.returncode == 1
        assert done.stderr.startswith("Python 3.11 or newer is needed")
        assert done.stderr.count("\n") == 1

    def test_a_newer_python_beside_the_old_one_is_found(self, machine: Machine) -> None:
        (machine.path / "python3").write_text("#!/bin/sh\nexit 1\n")
        assert machine.run("serve").returncode == 0
        assert machine.calls("venv .venv")


class TestServe:
    def test_it_hands_on_its_arguments_as_they_are(self, machine: Machine) -> None:
        machine.run("serve")
        machine.run("serve", "--host", "a b", "--port", "1")
        assert machine.calls("manage.py") == ["manage.py serve --host a b --port 1"]


class TestTest:
    def test_it_runs_on_both_databases_with_the_same_arguments(self, machine: Machine) -> None:
        done = machine.run("test", "-k", "a or b", DATABASE_URL="sqlite:///precious.db")
        assert done.returncode == 0
        assert sorted(machine.calls("pytest")) == [  # side by side
            "-m pytest -m browser -k a or b",
            "-m pytest -m not browser -k a or b",
            "-m tests.postgres --for-tests .venv/bin/python -m pytest -m not browser -k a or b",
        ]
        headings = [line for line in done.stdout.splitlines() if line.startswith("==")]
        sides = "on SQLite", "in a browser", "on PostgreSQL"
        assert headings == [f"== Tests {side}" for side in sides]

    def test_those_in_a_browser_are_looked_for_where_they_all_are(self, machine: Machine) -> None:
        machine.run("test")
        assert "-m pytest -m browser tests/browser" in machine.calls("pytest")
        marked = [file for file in TESTS.rglob("*.py") if "mark." + "browser" in file.read_text()]
        assert marked
        assert [file for file in marked if TESTS / "browser" not in file.parents] == []

    @pytest.mark.parametrize(
        ("codes", "code"),
        [("000", 0), ("001", 1), ("010", 1), ("100", 1), ("555", 1), ("505", 0), ("515", 1)],
    )
    def test_it_fails_when_one_run_does_or_none_had_a_test(
        self, machine: Machine, codes: str, code: int
    ) -> None:
        sqlite, postgres, browser = codes
        done = machine.run("test", SQLITE=sqlite, POSTGRES=postgres, BROWSER=browser)
        assert done.returncode == code
        assert len(machine.calls("pytest")) == 3


class TestPostgres:
    def run(self, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "tests.postgres", *command],
            cwd=PROJECT,
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            timeout=60,
        )

    def test_a_given_server_is_used_and_the_exit_code_returned(self) -> None:
        done = self.run(
            "sh", "-c", 'echo "$DATABASE_URL"; exit 3', TEST_DATABASE_URL="postgres://x"
        )
        assert (done.stdout, done.returncode) == ("postgres://x\n", 3)

    def test_a_command_ended_by_a_signal_fails(self) -> None:
        done = self.run("sh", "-c", "kill -9 $$", TEST_DATABASE_URL="postgres://x")
        assert done.returncode == 128 + signal.SIGKILL

    def test_a_server_of_its_own_answers_and_leaves_nothing_behind(self) -> None:
        ask = (
            "import os, psycopg; url = os.environ['DATABASE_URL'];"
            "print(url.partition('host=')[2]);"
            "print(psycopg.connect(url).info.server_version)"
        )
        done = self.run(sys.executable, "-c", ask, TEST_DATABASE_URL="", LC_ALL="xx_XX.UTF-8")
        folder, version = done.stdout.split()
        assert int(version) >= 180_000
        assert done.returncode == 0
        assert not Path(folder).parent.exists()

    @pytest.mark.parametrize(("arguments", "state"), [((), "on"), (("--for-tests",), "off")])
    def test_for_tests_it_waits_for_no_disk_and_cleans_nothing_up(
        self, arguments: tuple[str, ...], state: str
    ) -> None:
        ask = (
            "import os, psycopg; ask = psycopg.connect(os.environ['DATABASE_URL']).execute;"
            "print(*(ask(f'SHOW {name}').fetchone()[0] for name in ('fsync', 'autovacuum')))"
        )
        done = self.run(*arguments, sys.executable, "-c", ask, TEST_DATABASE_URL="")
        assert done.stdout.split() == [state] * 2, done.stderr

    def test_a_request_to_stop_stops_the_command_and_the_server(self) -> None:
        tell = 'echo "${DATABASE_URL#*host=}"; exec sleep 60'
        with subprocess.Popen(
            [sys.executable, "-m", "tests.postgres", "sh", "-c", tell],
            cwd=PROJECT,
            env={**os.environ, "TEST_DATABASE_URL": ""},
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stdout
            data = Path(process.stdout.readline().strip())
            server = psutil.Process(int((data / "postmaster.pid").read_text().split()[0]))
            process.terminate()
            assert process.wait(30) == 128 + signal.SIGTERM
        assert not data.parent.exists()
        server.wait(10)
