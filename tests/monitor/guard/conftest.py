import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.utils import timezone

from monitor.models import ApiKey


@pytest.fixture
def key(db: None) -> ApiKey:
    return ApiKey(name="a program", can_read=True, can_write=True, created_at=timezone.now())


@pytest.fixture
def secret(key: ApiKey) -> str:
    secret = key.give_secret()
    key.save()
    return secret


@pytest.fixture
def person(operator: User) -> Client:
    """Somebody signed in whose browser knows no token."""
    client = Client(enforce_csrf_checks=True)
    client.force_login(operator)
    return client


@pytest.fixture
def token(person: Client) -> dict[str, str]:
    """The header that the pages of the site send."""
    person.get("/password/")
    return {"x-csrftoken": person.cookies["csrftoken"].value}


@pytest.fixture
def permitted(operator: User) -> None:
    operator.user_permissions.add(Permission.objects.get(codename="change_task"))
