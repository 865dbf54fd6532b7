from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.middleware.csrf import _get_new_csrf_string
from django.test import Client

from sessions.models import Session

pytestmark = pytest.mark.django_db

ROUTES: list[tuple[str, dict[str, Any]]] = [
    ("/api/tool-calls", {"events": [{"event": "session", "session_key": "s"}]}),
    (
        "/api/tool-execution",
        {"task_id": "t1", "tool_name": "Bash", "timestamp": "2026-01-01T12:00:00"},
    ),
]


@pytest.fixture
def person(operator: User) -> Client:
    """Somebody who signed in with a browser, which checks the CSRF token."""
    client = Client(enforce_csrf_checks=True)
    client.force_login(operator)
    return client


def post(client: Client, url: str, body: Any, **headers: str) -> Any:
    return client.post(url, body, content_type="application/json", headers=headers)


def token(client: Client) -> dict[str, str]:
    secret = _get_new_csrf_string()
    client.cookies["csrftoken"] = secret
    return {"x-csrftoken": secret}


def permit(person: User) -> None:
    codes = {"content_type__app_label": "agent_sessions", "codename": "add_toolcall"}
    person.user_permissions.add(Permission.objects.get(**codes))


@pytest.mark.parametrize(("url", "body"), ROUTES)
class TestPerson:
    def test_the_permission_and_the_token_let_them_write(
        self, person: Client, operator: User, url: str, body: Any
    ) -> None:
        permit(operator)
        assert post(person, url, body, **token(person)).status_code == 200
        assert Session.objects.exists()

    def test_without_the_token_they_may_not(
        self, person: Client, operator: User, url: str, body: Any
    ) -> None:
        permit(operator)
        response = post(person, url, body)
        assert response.status_code == 403
        assert response.json()["error"].startswith("CSRF")
        assert not Session.objects.exists()

    def test_without_the_permission_they_may_not(self, person: Client, url: str, body: Any) -> None:
        assert post(person, url, body, **token(person)).status_code == 403
        assert not Session.objects.exists()

    def test_a_key_that_only_reads_may_not(self, reader: Client, url: str, body: Any) -> None:
        assert post(reader, url, body).status_code == 403

    def test_nobody_may_not(self, client: Client, url: str, body: Any) -> None:
        assert post(client, url, body).status_code == 401
