"""Ways to ask, what a refusal looks like, and a database that is lost."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

import pytest
from django.db import InterfaceError, OperationalError, connection
from django.db.transaction import atomic
from django.test import Client

PATHS = ["deed", "keys-only", "plain", "no/such/route", "", "openapi.json", "../", "%2e%2e/x", "é"]
WRITING = ["POST", "PUT", "PATCH", "DELETE", "INVENTED"]
METHODS = ["GET", "HEAD", "OPTIONS", "TRACE", *WRITING]
LOST = [OperationalError("database is locked"), InterfaceError("connection already closed")]


def refused(response: Any, status: int) -> str:
    """Why it was refused: in JSON, whatever was asked for."""
    assert response.status_code == status
    assert response["Content-Type"] == "application/json"
    assert list(response.json()) == ["error"]
    return str(response.json()["error"])


def shown(secret: str) -> Client:
    client = Client()
    client.defaults["HTTP_AUTHORIZATION"] = secret
    return client


class Broken:
    """A database that answers no statement any more."""

    def __init__(self, fault: Exception) -> None:
        self.fault = fault

    def __call__(self, *args: Any) -> NoReturn:
        raise self.fault


@contextmanager
def failing(wrapper: Callable[..., Any]) -> Iterator[None]:
    """What fails here leaves the transaction of the test usable."""
    with pytest.raises(OperationalError), atomic(), connection.execute_wrapper(wrapper):
        yield
