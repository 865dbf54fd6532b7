"""What is spent in the tests of the spend page, and how the page is read."""

import csv
import io
import re
from datetime import timedelta
from decimal import Decimal
from html import unescape
from typing import Any

from django.contrib.auth.models import AnonymousUser, Permission, User
from django.test import Client

from costs import ledger
from costs.limits import set_user_limits
from costs.usage import Usage
from monitor.spend.address import SpendAddress
from monitor.spend.page import SpendPage
from sessions.recording import record as record_events
from tests.monitor.cast import NOW, called, text

MINUTE = NOW.replace(second=0, microsecond=0)
PARTS = ["spend-figures", "spend-chart", "spend-panels"]


def spent(dollars: Any = 1, hours: float = 1, **fields: Any) -> None:
    told = {"user_id": "ada", "model": "opus", "input_tokens": 10, "output_tokens": 1}
    told |= {"cost": Decimal(dollars), "timestamp": NOW - timedelta(hours=hours)} | fields
    ledger.record_many([Usage(**told)])


def prune(hours: float) -> None:
    for _ in ledger.prune(NOW - timedelta(hours=hours)):
        pass


def page(**asked: str) -> SpendPage:
    address = SpendAddress.parse(asked, NOW)
    return SpendPage(address, AnonymousUser(), MINUTE)


def html(client: Client, url: str = "/costs/", **headers: str) -> str:
    response = client.get(url, headers=headers)
    assert response.status_code == 200, response.content
    return str(response.content.decode())


def poll(client: Client, target: str, url: str = "/costs/", **headers: str) -> Any:
    return client.get(url, headers={"HX-Request": "true", "HX-Target": target} | headers)


def leads(fragment: str, words: str) -> str:
    """Where the one link leads whose label, or whose text, has `words`."""
    links = re.findall(
        r'<a href="([^"]*)"(?: aria-label="([^"]*)")?[^>]*>(.*?)</a>', fragment, re.S
    )
    (found,) = {href for href, label, inside in links if words in (label or text(inside))}
    return unescape(found)


def download(client: Client, query: str = "") -> list[dict[str, str]]:
    sent = client.get(f"/costs/records.csv{query}").getvalue().decode()
    return list(csv.DictReader(io.StringIO(sent, newline="")))


def permitted(client: Client, *names: str, staff: bool = False) -> Client:
    person = User.objects.create_user("clerk", is_staff=staff)
    person.user_permissions.set(Permission.objects.filter(codename__in=names))
    client.force_login(person)
    return client


def filled(rows: int) -> None:
    """Two of everything, at least, with names of their own."""
    for n in range(rows + 1):
        spent(n + 1, user_id=f"u{n}", model=f"m{n}", session_key=f"s{n}", request_type=f"t{n}")
        set_user_limits(f"u{n}", daily=n + 1)
        record_events([called(n, session_key=f"s{n}", task_id=f"t{n}")])
        spent(1, hours=24 * 35, user_id=f"u{n}", model=f"m{n}")
