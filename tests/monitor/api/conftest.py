from collections.abc import Iterator

import pytest
import time_machine
from django.utils import timezone

from monitor.models import ApiKey
from tests.monitor.cast import NOW


@pytest.fixture
def clock() -> Iterator[None]:
    """It is NOW, and stays so."""
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def secret(transactional_db: None) -> str:
    key = ApiKey(name="a program", can_read=True, can_write=True, created_at=timezone.now())
    secret = key.give_secret()
    key.save()
    return secret
