from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.middleware.csrf import _get_new_csrf_string
from django.test import Client
from model_bakery import baker

from tasks.models import Task

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("folder")]

ROUTES = [
    ("/api/tasks", {"description": "Fix it"}, "add_task", 201),
    ("/api/tasks/t1", {"phase": "tests"}, "change_task", 200),
    ("/api/tasks/t1/stop", {}, "change_task", 200),
    ("/api/tasks/t2/mark-fixed", {}, "change_task", 200),
    ("/api/tasks/t1/activity", {"message": "Hello"}, "change_task", 200),
    ("/api/tasks/t1/attachments", None, "add_attachment", 201),
]
PERMISSIONS = ("add_task", "change_task", "add_attachment")


@pytest.fixture
def person(operator: User) -> Client:
    """Somebody who signed in with a browser, which checks the CSRF token."""
    client = Client(enforce_csrf_checks=True)
    client.force_login(operator)
    return client


@pytest.fixture(autouse=True)
def tasks() -> None:
    baker.make(Task, id="t1")
    task: Task = baker.make(Task, id="t2")
    task.fail("boom")


def send(client: Client, url: str, body: Any, **headers: str) -> Any:
    if body is None:
        return client.post(url, {"file": SimpleUploadedFile("a.md", b"# A")}, headers=headers)
    method = client.patch if url == "/api/tasks/t1" else client.post
    return method(url, body, content_type="application/json", headers=headers)


def token(client: Client) -> dict[str, str]:
    secret = _get_new_csrf_string()
    client.cookies["csrftoken"] = secret
    return {"x-csrftoken": secret}


@pytest.mark.parametrize(("url", "body", "permission", "status"), ROUTES)
class TestPerson:
    def test_the_permission_and_the_token_let_them_write(
        self, person: Client, operator: User, url: str, body: Any, permission: str, status: int
    ) -> None:
        operator.user_permissions.add(Permission.objects.get(codename=permission))
        assert send(person, url, body, **token(person)).status_code == status

    def test_without_the_token_they_may_not(
        self, person: Client, operator: User, url: str, body: Any, permission: str, status: int
    ) -> None:
        operator.user_permissions.add(Permission.objects.get(codename=permission))
        before = list(Task.objects.values())
        response = send(person, url, body)
        assert response.status_code == 403
        assert response.json()["error"].startswith("CSRF")
        assert list(Task.objects.values()) == before

    def test_other_permissions_do_not_help(
        self, person: Client, operator: User, url: str, body: Any, permission: str, status: int
    ) -> None:
        others = [name for name in PERMISSIONS if name != permission]
        operator.user_permissions.set(Permission.objects.filter(codename__in=others))
        before = list(Task.objects.values())
        assert send(person, url, body, **token(person)).status_code == 403
        assert list(Task.objects.values()) == before

    def test_a_key_that_only_reads_may_not(
        self, reader: Client, url: str, body: Any, permission: str, status: int
    ) -> None:
        assert send(reader, url, body).status_code == 403

    def test_nobody_may_not(
        self, client: Client, url: str, body: Any, permission: str, status: int
    ) -> None:
        assert send(client, url, body).status_code == 401
