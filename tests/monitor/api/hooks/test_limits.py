"""A prompt over a spending limit."""

from __future__ import annotations

import pytest
from django.db import OperationalError
from django.test import Client

from costs import ledger
from costs.limits import set_user_limits
from costs.models import SpendingLimit
from monitor.api import hooks
from sessions.models import SessionActivity
from tests.monitor.api.hooks.cast import NOW, send
from tests.sessions.claude_code_hooks import EVENTS

pytestmark = pytest.mark.django_db


def spend(user_id: str, dollars: int, limit: int) -> None:
    set_user_limits(user_id, daily=limit)
    tokens = dollars * 1_000_000
    ledger.record_usage(
        user_id=user_id,
        model="claude-haiku-4-5",
        input_tokens=tokens,
        output_tokens=0,
        timestamp=NOW,
    )


class TestLimits:
    QUERY = "?user_id=ada&limits=block"

    def test_a_prompt_over_the_limit_is_blocked_and_logged(self, writer: Client) -> None:
        spend("ada", dollars=2, limit=2)
        reason = "Daily limit exceeded ($2.00). Resets at midnight."
        answer = send(writer, "UserPromptSubmit", self.QUERY)
        assert answer == {"decision": "block", "reason": reason}
        lines = SessionActivity.objects.order_by("id").values_list("event", "message")
        assert list(lines) == [
            ("UserPromptSubmit", "Prompt: Mend the basket\nand test it"),
            ("PromptBlocked", f"Prompt blocked: {reason}"),
        ]

    @pytest.mark.parametrize("query", ["", "?user_id=ada", "?limits=block&user_id=bob"])
    def test_nobody_else_is_blocked(self, writer: Client, query: str) -> None:
        spend("ada", dollars=2, limit=2)
        assert send(writer, "UserPromptSubmit", query) == {}

    @pytest.mark.parametrize("event", sorted(set(EVENTS) - {"UserPromptSubmit"}))
    def test_nothing_but_a_prompt_is_held_up(self, writer: Client, event: str) -> None:
        spend("ada", dollars=2, limit=2)
        assert send(writer, event, self.QUERY) == {}

    def test_a_warning_is_shown_from_80_percent_on_once_an_hour(self, writer: Client) -> None:
        spend("ada", dollars=4, limit=5)
        answer = send(writer, "UserPromptSubmit", self.QUERY)
        assert answer == {"systemMessage": "Daily limit: 80 % used ($4.00 of $5.00)."}
        assert send(writer, "UserPromptSubmit", self.QUERY) == {}

    def test_an_unknown_user_goes_on_and_stays_unknown(self, writer: Client) -> None:
        assert send(writer, "UserPromptSubmit", self.QUERY) == {}
        assert not SpendingLimit.objects.exists()

    @pytest.mark.parametrize("fault", [OperationalError("locked"), ValueError("odd")])
    def test_limits_that_cannot_be_asked_hold_nobody_up(
        self, writer: Client, monkeypatch: pytest.MonkeyPatch, fault: Exception
    ) -> None:
        def fail(user_id: str) -> None:
            raise fault

        monkeypatch.setattr(hooks, "check_limits", fail)
        assert send(writer, "UserPromptSubmit", self.QUERY) == {}
        assert SessionActivity.objects.count() == 1
