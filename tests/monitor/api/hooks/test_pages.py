"""Where the events are read."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.test import Client

from sessions.models import SessionActivity
from tasks.reporting import report
from tests.monitor.api.hooks.cast import NOW, send
from tests.sessions.claude_code_hooks import SESSION

pytestmark = pytest.mark.django_db


class TestPages:
    """The events are read on the pages of the session, and of the task it works on."""

    def lines(self, client: Client, url: str) -> list[str]:
        page = client.get(url).content.decode()
        return [unescape(line) for line in re.findall(r'class="said">(.*?)</span>', page)]

    def test_they_are_lines_of_the_log_newest_first(
        self, writer: Client, signed_in: Client, clock: Any
    ) -> None:
        send(writer, "SessionStart", "?task_id=t1")
        report(task_id="t1", at=NOW + timedelta(seconds=1), message="The task itself")
        for event in ("SubagentStart", "Notification"):
            clock.shift(timedelta(seconds=2))
            send(writer, event, "?task_id=t1", message="Waits for <you>")
        told = ["Waits for <you>", "Sub-agent started: reviewer", "The task itself"]
        assert self.lines(signed_in, "/tasks/t1/") == [*told, "Session started: startup"]
        assert self.lines(signed_in, f"/sessions/{SESSION}/") == [
            *told,
            "Session started: startup",
        ]
        assert self.lines(signed_in, f"/sessions/{SESSION}/a1b2c3/") == told[1:]

    def test_equal_neighbours_are_one_line(
        self, writer: Client, signed_in: Client, clock: Any
    ) -> None:
        for _ in range(3):
            send(writer, "MessageDisplay")
            clock.shift(timedelta(seconds=1))
        assert self.lines(signed_in, f"/sessions/{SESSION}/") == ["Message shown"]

    def test_a_long_log_has_pages(self, writer: Client, signed_in: Client) -> None:
        for number in range(60):
            send(writer, "Notification", message=f"line {number}")
        assert self.lines(signed_in, f"/sessions/{SESSION}/?log=2") == [
            f"line {number}" for number in reversed(range(10))
        ]

    def test_staff_find_them_by_session(self, writer: Client, admin_client: Client) -> None:
        send(writer, "Notification")
        page = admin_client.get(f"/admin/agent_sessions/sessionactivity/?q={SESSION}")
        assert b"Waits for you" in page.content
        row = SessionActivity.objects.get()
        page = admin_client.get(f"/admin/agent_sessions/sessionactivity/{row.pk}/change/")
        assert b"idle_prompt" in page.content
        assert b'name="_save"' not in page.content
