"""What an event asks the database."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from tests.monitor.api.hooks.cast import send

pytestmark = pytest.mark.django_db


class TestQueries:
    """One of them finds the key, two are the transaction; a task would take two more."""

    def test_those_of_a_call_are_few(
        self, writer: Client, clock: Any, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        send(writer, "SessionStart")
        for event in ("PreToolUse", "PostToolUse"):
            clock.shift(timedelta(seconds=1))
            with django_assert_num_queries(17):
                send(writer, event)

    def test_those_of_a_note_are_few(
        self, writer: Client, clock: Any, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        send(writer, "SessionStart")
        for event, queries in [("Stop", 8), ("SessionEnd", 8), ("UserPromptSubmit", 9)]:
            clock.shift(timedelta(seconds=1))
            with django_assert_num_queries(queries):
                send(writer, event)

    def test_they_do_not_grow_with_what_is_known(
        self, writer: Client, clock: Any, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        for number in range(30):
            send(writer, "PreToolUse", tool_use_id=f"{number}")
            send(writer, "Notification", message=f"{number}")
        for event, queries in [("PreToolUse", 17), ("Notification", 8)]:
            clock.shift(timedelta(seconds=1))
            with django_assert_num_queries(queries):
                send(writer, event)
