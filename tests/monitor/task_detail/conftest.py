from collections.abc import Iterator
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import Permission, User
from django.test import Client

from tests.monitor.cast import NOW


@pytest.fixture
def clock() -> Iterator[Any]:
    with time_machine.travel(NOW, tick=False) as clock:
        yield clock


@pytest.fixture
def manager(client: Client, operator: User) -> Client:
    """Somebody signed in who may change tasks and attach files."""
    names = ["change_task", "add_attachment"]
    operator.user_permissions.set(Permission.objects.filter(codename__in=names))
    client.force_login(operator)
    return client
