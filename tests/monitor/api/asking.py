"""Questions to the API, and what is made of its answers."""

from __future__ import annotations

import json
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.test import Client

from tests.monitor.cast import NOW

BAD_PAGES = ["page=0", "page=-1", "page=1000001", "page=x", "page_size=0", "page_size=101"]
BAD_HOURS = ["hours=0", "hours=-24", "hours=87841", "hours=x", "hours=1.5", "hours="]
NO_IDS = ["none", "..", "../../etc/passwd", "a%00b", "%F0%9F%92%A9", "'%20OR%201=1%20--", "x" * 900]


def get(client: Client, path: str) -> Any:
    response = client.get(f"/api/{path}")
    assert response.status_code == 200, response.content
    return json.loads(response.content, parse_float=Decimal)


def refused(client: Client, path: str, status: int = 400) -> str:
    """The words with which a question is refused."""
    response = client.get(f"/api/{path}")
    assert response.status_code == status, response.content
    told = response.json()
    assert list(told) == ["error"]
    assert told["error"]
    return str(told["error"])


def told(instant: datetime) -> str:
    """As answers write it."""
    return instant.isoformat().replace("+00:00", "Z")


IT_IS = told(NOW)
