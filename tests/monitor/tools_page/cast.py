"""Calls that failed, and how the page of the tools is read."""

from typing import Any

from django.contrib.auth.models import User
from django.test import Client

from monitor.tools.address import ToolsAddress
from monitor.tools.page import ToolsPage
from tests.monitor.cast import NOW, called, tell, text

DAY = 24 * 60


def failed(n: int, at: float = 5, **fields: Any) -> None:
    tell([called(n, at, **{"success": False, "error": "Boom"} | fields)])


def page(query: str = "", reader: Any = None) -> ToolsPage:
    asked = dict(part.split("=") for part in query.split("&") if part)
    return ToolsPage(ToolsAddress.parse("/tools/", asked, NOW), reader or User(), NOW)


def html(client: Client, query: str = "", **headers: str) -> str:
    response = client.get(f"/tools/{query}", headers=headers)
    assert response.status_code == 200
    return str(response.content.decode())


def part(client: Client, name: str, query: str = "") -> str:
    return text(html(client, query, **{"HX-Request": "true", "HX-Target": name}))
