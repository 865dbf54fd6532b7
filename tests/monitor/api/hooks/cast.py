"""Events of Claude Code, sent as its hooks send them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from django.test import Client

from tests.sessions.claude_code_hooks import body

NOW = datetime(2026, 3, 15, 12, tzinfo=UTC)
URL = "/api/hooks/claude-code"


def post(client: Client, told: Any, query: str = "") -> tuple[int, Any]:
    text = told if isinstance(told, str | bytes) else json.dumps(told)
    response = client.post(URL + query, text, content_type="application/json")
    return response.status_code, response.json()


def send(client: Client, event: str, query: str = "", **fields: Any) -> dict[str, Any]:
    status, answer = post(client, body(event, **fields), query)
    assert status == 200, answer
    return dict(answer)
