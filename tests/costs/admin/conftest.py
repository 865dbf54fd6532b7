import pytest
from django.test import Client

from costs.models import SpendingLimit
from tests.costs.admin.cast import EVIDENCE, staff


@pytest.fixture
def reader(client: Client) -> Client:
    return staff(client, *EVIDENCE, SpendingLimit)
