"""Every line of the table of routes, checked with every role."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.db.models import IntegerField, Model
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from model_bakery import baker

from costs.models import LedgerState, SpendingLimit, UsageImport
from monitor.models import ApiKey
from sessions.models import Session
from tasks.models import Attachment, Task
from tests.conftest import client_with_key
from tests.route_table import (
    API,
    FORM,
    LOGIN,
    PAGES,
    PEOPLE,
    ROLES,
    TABLE,
    WRITING,
    Kind,
    Row,
)

NOON = datetime(2026, 3, 15, 12, tzinfo=UTC)

# What stands for <path:NAME> in a route; <path:object_id> is that of the model.
SAMPLES: dict[str, Callable[[], object]] = {
    "task_id": lambda: "t-1",
    "key": lambda: "s-1",
    "user_id": lambda: "u-1",
    "path": lambda: "guide.md",
    "picture": lambda: "images/task.png",
    "pk": lambda: Attachment.objects.get().pk,
    "id": lambda: User.objects.get(username="operator").pk,
}


def neighbours(line: Row) -> str:
    """What is tested together: the admin pages of one model, or a route by itself."""
    return "/".join(line.route.split("/")[:4]) if line.route.startswith("/admin/") else line.route


TOGETHER: dict[str, list[Row]] = {}
for each in TABLE:
    TOGETHER.setdefault(neighbours(each), []).append(each)


def routes(patterns: list[URLPattern | URLResolver], before: str = "/") -> Iterator[str]:
    for pattern in patterns:
        route = before + re.sub(r"(?<=<app_label>)[^)]*", "...", str(pattern.pattern))
        if isinstance(pattern, URLPattern):
            yield route
        else:
            yield from routes(pattern.url_patterns, route)


def address(route: str) -> str:
    """An address that leads to the route, and to something that exists."""
    if "<path:object_id>" in route:
        route = route.replace("<path:object_id>", object_id(route))
    route = route.replace("^api/", "api/no/such/route").replace("(?P<url>.*)$", "no/such/page/")
    route = route.replace("^(?P<app_label>...)/$", "tasks/").replace("<path:content_type_id>", "0")
    return re.sub(r"<(?:\w+:)?(\w+)>", lambda found: str(SAMPLES[found[1]]()), route)


def object_id(route: str) -> str:
    _, _, app, name, *_ = route.split("/")
    return str(apps.get_model(app, name).objects.first().pk) if app != "r" else "0"


def program_with_revoked_key() -> Client:
    client = client_with_key(can_read=True, can_write=True)
    ApiKey.objects.latest("pk").revoke(NOON)
    return client


MAKERS: dict[type[Model], Callable[[], Any]] = {
    Task: lambda: baker.make(Task, id="t-1"),
    Session: lambda: baker.make(Session, key="s-1"),
    Attachment: lambda: Task.objects.get().attach("a.txt", b"text"),
    LedgerState: lambda: LedgerState.objects.create(sealed_to=NOON),
    UsageImport: lambda: baker.make(UsageImport, report={"users": [], "notes": {}}),
    SpendingLimit: lambda: baker.make(SpendingLimit, user_id="u-1"),
    ApiKey: program_with_revoked_key,
}


def numbers(kind: type[Model]) -> list[str]:
    """The fields that chance would fill with figures that contradict each other."""
    fields = [each for each in kind._meta.concrete_fields if isinstance(each, IntegerField)]
    return [each.name for each in fields if not each.primary_key and not each.null]


@pytest.fixture
def one_of_each(db: None, tmp_path: Path, settings: Any) -> None:
    """Something behind every address."""
    settings.DATA_DIR = tmp_path
    first = [Task, Session]  # to which others belong
    for kind in [*first, *(kind for kind in admin.site._registry if kind not in first)]:
        if kind in MAKERS:
            MAKERS[kind]()
        else:
            baker.make(kind, **dict.fromkeys(numbers(kind), 1))


@pytest.fixture
def clients(one_of_each: None) -> dict[str, Client]:
    """Each role at its browser or program; `forged` is what another site makes a browser send."""
    people = {name: Client() for name in PEOPLE} | {"forged": Client(enforce_csrf_checks=True)}
    for name, client in people.items():
        boss = name in ("superuser", "forged")
        staff = boss or name == "staff"
        client.force_login(User.objects.create(username=name, is_staff=staff, is_superuser=boss))
    keys = {"reader": {"can_read": True}, "writer": {"can_write": True}}
    programs = {name: client_with_key(**scopes) for name, scopes in keys.items()}
    programs["revoked"] = program_with_revoked_key()
    return {"anonymous": Client(), **people, **programs}


def ask(client: Client, method: str, line: Row) -> Any:
    if method == "GET":
        return client.get(address(line.route), line.sent)
    if line.route.startswith("/api/"):
        return client.generic(method, address(line.route), "{}", "application/json")
    return client.generic(method, address(line.route), urlencode(line.sent), FORM)


def outcome(response: Any) -> int | str | None:
    """How the request was refused; None where it was not."""
    if re.match("/(admin/)?login/.next=", response.headers.get("Location", "")):
        return LOGIN
    return response.status_code if response.status_code in (401, 403, 404) else None


def is_answer(status: int, method: str) -> bool:
    """Whether somebody was let in; what is posted here may well make no sense."""
    return status < (400 if method == "GET" else 500) and status != 405


def permit(kind: Kind, line: Row) -> None:
    """Give the role `permitted` what the line asks for, and no more."""
    permitted = User.objects.get(username="permitted")
    permitted.is_staff = line.route.startswith("/admin/")
    permitted.save()
    names = [name.split(".") for name in kind.permissions.split()]
    get = Permission.objects.get
    permitted.user_permissions.set(
        get(content_type__app_label=app, codename=name) for app, name in names
    )


ONCE = pytest.mark.skipif(
    connection.vendor != "sqlite", reason="takes long; who may what is no matter of the database"
)


class TestTable:
    def test_every_route_is_in_it(self) -> None:
        assert {*routes(get_resolver().url_patterns)} - {line.route for line in TABLE} == set()

    def test_it_names_no_route_that_is_gone(self) -> None:
        assert {line.route for line in TABLE} - {*routes(get_resolver().url_patterns)} == set()

    def test_it_names_each_once(self) -> None:
        assert len({line.route for line in TABLE}) == len(TABLE)


@ONCE
@pytest.mark.parametrize("lines", TOGETHER.values(), ids=list(TOGETHER))
class TestRoute:
    def test_each_role_may_what_the_table_says(
        self, clients: dict[str, Client], lines: list[Row]
    ) -> None:
        pairs = [(line, *pair) for line in lines for pair in line.methods.items()]
        for line, method, kind in pairs:
            permit(kind, line)
            for role in ROLES:
                response = ask(clients[role], method, line)
                told = f"{role}: {method} {line.route} answers {response.status_code}"
                refused = outcome(response)
                assert refused == kind.refused.get(role), told
                assert refused or is_answer(response.status_code, method), told
            if method != "GET":
                status = ask(clients["forged"], method, line).status_code
                assert status == 403, f"another site: {method} {line.route} answers {status}"


@ONCE
@pytest.mark.parametrize(
    "line",
    # In the administration any method but POST reads; the form to sign in leads all on who have.
    [line for line in (*PAGES, *API) if line.route != "/login/"],
    ids=lambda line: line.route,
)
class TestMethod:
    def test_no_other_does_anything(self, clients: dict[str, Client], line: Row) -> None:
        for method in {"GET", *WRITING} - set(line.methods):
            for role in ("superuser", "writer" if method in WRITING else "reader"):
                response = ask(clients[role], method, line)
                refused = outcome(response) or response.status_code
                assert refused in (LOGIN, 403, 405), f"{role}: {method} {line.route}"
