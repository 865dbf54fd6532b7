"""docs/connect.md is copied and pasted: what it shows is run here."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from costs.models import CostRecord
from sessions.models import Session, SessionActivity, ToolCall
from tasks.models import Task
from tests.sessions.claude_code_hooks import EVENTS, SESSION, body

TEXT = (Path(__file__).parents[3] / "docs" / "connect.md").read_text()
SERVERS = ("https://monitor.example.org", "http://127.0.0.1:8000")
ROUTE = "/api/hooks/claude-code"

needs_curl = pytest.mark.skipif(not shutil.which("curl"), reason="runs curl")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", TEXT, re.DOTALL | re.MULTILINE)


def registered() -> Iterator[tuple[str, dict[str, Any]]]:
    """Every event in the settings, with what handles it."""
    for block in blocks("json"):
        for event, groups in json.loads(block)["hooks"].items():
            for group in groups:
                assert set(group) <= {"matcher", "hooks"}
                for handler in group["hooks"]:
                    yield event, handler


@pytest.fixture
def environment(site: str, writer: Client) -> dict[str, str]:
    """What an agent has in its environment: a key, and here the address too."""
    secret = writer.defaults["HTTP_AUTHORIZATION"].removeprefix("Bearer ")
    known = {"PATH": os.environ["PATH"], "USER": "ada"}
    return known | {"AGENT_MONITOR_KEY": secret, "AGENT_MONITOR_URL": site}


class TestSettings:
    def test_every_event_in_them_is_documented(self) -> None:
        assert len(blocks("json")) == 4
        assert {event for event, _ in registered()} <= set(EVENTS)

    def test_both_ways_know_the_same_events(self) -> None:
        here, there, *_ = (set(json.loads(block)["hooks"]) for block in blocks("json"))
        assert here == there

    @pytest.mark.parametrize(("event", "handler"), list(registered()))
    def test_every_handler_is_one_that_its_event_takes(
        self, event: str, handler: dict[str, Any]
    ) -> None:
        if handler["type"] == "http":
            assert event not in ("SessionStart", "Setup")
            assert handler["url"].startswith(f"http://127.0.0.1:8000{ROUTE}")
            assert handler["headers"] == {"Authorization": "Bearer $AGENT_MONITOR_KEY"}
            assert handler["allowedEnvVars"] == ["AGENT_MONITOR_KEY"]
        else:
            awaited = "limits=block" in handler["command"] or event == "SessionEnd"
            assert handler.get("async", False) is not awaited
            assert " -m 2 " in handler["command"]
            assert handler["command"].endswith(" || true")


@pytest.mark.django_db(transaction=True)
class TestCommands:
    def run(self, command: str, environment: dict[str, str], given: str = "") -> str:
        for server in SERVERS:
            command = command.replace(server, environment["AGENT_MONITOR_URL"])
        done = subprocess.run(
            ["sh", "-ec", command],
            env=environment,
            input=given,
            capture_output=True,
            text=True,
            timeout=30,
            check=True,
        )
        return done.stdout

    @needs_curl
    def test_each_hook_reaches_the_monitor(self, environment: dict[str, str]) -> None:
        commands = {
            (event, handler["command"]) for event, handler in registered() if "command" in handler
        }
        for event, command in sorted(commands):
            answer = self.run(command, environment, json.dumps(body(event)))
            assert answer == ("{}" if "limits=block" in command else "")
        assert Session.objects.get(key=SESSION).user_id == "ada"
        told = set(SessionActivity.objects.values_list("event", flat=True))
        assert told | {"PreToolUse", "PostToolUse", "PostToolUseFailure"} == {
            event for event, _ in commands
        }

    @needs_curl
    def test_none_says_a_word_where_the_monitor_refuses(self, environment: dict[str, str]) -> None:
        for command in {handler.get("command", "") for _, handler in registered()}:
            assert self.run(command, environment | {"AGENT_MONITOR_KEY": "wrong"}, "{}") == ""

    @needs_curl
    def test_a_bot_reports_with_curl(self, environment: dict[str, str]) -> None:
        (block,) = (block for block in blocks("sh") if "curl" in block)
        assert '"allowed":true' in self.run(block, environment)
        assert Task.objects.get(id="fix-parser").status == "completed"
        assert CostRecord.objects.get().user_id == "ada"
        assert ToolCall.objects.get().error == "Exit code 2"

    def test_a_bot_reports_in_python(
        self,
        environment: dict[str, str],
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        (block,) = blocks("python")
        exec(compile(block, "connect.md", "exec"), {})
        assert float(capsys.readouterr().out) > 0
        assert Task.objects.get(id="fix-lexer").status == "completed"
        call = ToolCall.objects.get()
        assert (call.success, call.duration_ms) == (True, 12)
