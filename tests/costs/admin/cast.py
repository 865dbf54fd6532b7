"""One of each thing that costs are kept in, and how staff read them."""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.contrib.auth.models import Permission, User
from django.db.models import Model
from django.test import Client
from django.utils import timezone
from model_bakery import baker

from costs.ledger import record_many, seal
from costs.models import (
    ROLLUPS,
    CostRecord,
    ImportedUsage,
    LedgerState,
    SessionSpan,
    SpendingLimit,
    UsageImport,
)
from costs.usage import Usage

EVIDENCE = [CostRecord, *ROLLUPS, SessionSpan, LedgerState, UsageImport, ImportedUsage]
RECORDS = "/admin/costs/costrecord/"
LIMITS = "/admin/costs/spendinglimit/"
HOSTILE = "<script>alert('1')</script>\"&"
NOON = datetime(2026, 3, 15, 12, tzinfo=UTC)


def record(*user_ids: str, **fields: Any) -> None:
    """A request of 3 nano-dollars for each user, an hour old unless said otherwise."""
    given = {"model": "opus", "input_tokens": 1, "output_tokens": 2, "cost": Decimal("3e-9")}
    given |= {"timestamp": timezone.now() - timedelta(hours=1), "session_key": "s"}
    record_many([Usage(user_id=user_id, **(given | fields)) for user_id in user_ids])


def staff(client: Client, *models: type[Model], deeds: tuple[str, ...] = ("view",)) -> Client:
    """Somebody of the staff, with leave for these deeds on these models, signed in."""
    person = User.objects.create_user("clerk", is_staff=True)
    names = [f"{deed}_{model._meta.model_name}" for deed in deeds for model in models]
    person.user_permissions.set(Permission.objects.filter(codename__in=names))
    client.force_login(person)
    return client


def one_of_each() -> None:
    record("alice", timestamp=timezone.now() - timedelta(hours=3))
    seal()
    baker.make(UsageImport, report={"users": [], "notes": {}})
    baker.make(ImportedUsage, requests=1, cost_nano=2)
    baker.make(SpendingLimit, user_id="alice")


def address(model: type[Model], page: str = "") -> str:
    return f"/admin/costs/{model._meta.model_name}/{page}"


def body(client: Client, url: str) -> str:
    response = client.get(url)
    assert response.status_code == 200, f"{url} answers {response.status_code}"
    return response.content.decode()


def listed(client: Client, url: str, column: str = "user_id") -> list[str]:
    """What a column of the list shows, from the top."""
    return re.findall(rf'class="field-{column}[^"]*">(?:<a[^>]*>)?([^<]*)<', body(client, url))
