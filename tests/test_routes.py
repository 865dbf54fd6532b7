"""Every route of the project, and who may use it: a line each in TABLE, checked with every role."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self
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

NOON = datetime(2026, 3, 15, 12, tzinfo=UTC)
WRITING = ("POST", "PUT", "PATCH", "DELETE")
FORM = "application/x-www-form-urlencoded"
LOGIN = "sign in first"

PEOPLE = ("operator", "permitted", "staff", "superuser")  # signed in; the second as a row says
KEYS = ("reader", "writer", "revoked")
ROLES = ("anonymous", *PEOPLE, *KEYS)


@dataclass(frozen=True)
class Kind:
    """Who is turned away, and how; all others are let in."""

    refused: dict[str, int | str] = field(default_factory=dict)
    permissions: str = ""  # of the role `permitted`

    def __call__(self, permissions: str) -> Self:
        return replace(self, permissions=permissions)

    def but_nothing_is_there(self) -> Self:
        return replace(self, refused=all_of(*ROLES, to=404) | self.refused)


def all_of(*roles: str, to: int | str) -> dict[str, int | str]:
    return dict.fromkeys(roles, to)


STRANGERS = all_of("anonymous", *KEYS, to=LOGIN)  # a key opens no page
UNKNOWN = all_of("anonymous", "revoked", to=401)

PUBLIC = Kind()
PAGE = Kind(STRANGERS)
DEED = Kind(STRANGERS | all_of("operator", "staff", to=403))  # on a page, with permissions
STAFF = Kind(STRANGERS | all_of("operator", to=LOGIN))
ADMIN = Kind(STAFF.refused | all_of("staff", to=403))  # with permissions
APP = Kind(STAFF.refused | all_of("staff", to=404))
NOBODY = Kind(ADMIN.refused | all_of("permitted", "superuser", to=403))
READ = Kind(UNKNOWN | all_of("writer", to=403))
WRITE = Kind(UNKNOWN | all_of("reader", "operator", "staff", to=403))  # people with permissions
KEY_WRITE = Kind(WRITE.refused | all_of("permitted", "superuser", to=403))  # keys alone


@dataclass(frozen=True)
class Row:
    route: str
    methods: dict[str, Kind]
    sent: dict[str, str] = field(default_factory=dict)  # in the query, or by a form


def row(route: str, sent: dict[str, str] | None = None, **methods: Kind) -> Row:
    return Row(route, methods, sent or {})


def model(label: str, deeds: str = "", **needed: str) -> list[Row]:
    """The admin pages of a model: what may be done beside viewing, if not with the permission of
    that name then with those `needed`."""
    app, name = label.split("/")

    def may(deed: str) -> Kind:
        permissions = needed.get(deed, f"{app}.{deed}_{name}")
        return ADMIN(permissions) if deed in ["view", *deeds.split()] else NOBODY

    page = f"/admin/{label}/<path:object_id>/"
    return [
        row(f"/admin/{label}/", GET=may("view"), POST=may("view")),
        row(f"/admin/{label}/add/", GET=may("add"), POST=may("add")),
        row(page, GET=STAFF),
        row(f"{page}change/", GET=may("view"), POST=may("change")),
        row(f"{page}delete/", GET=may("delete"), POST=may("delete")),
        row(f"{page}history/", GET=may("view")),
    ]


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

PAGES = [
    row("/", GET=PAGE),
    row("/tasks/<path:task_id>/", {"action": "stop"}, GET=PAGE, POST=DEED("tasks.change_task")),
    row("/sessions/<path:key>/", GET=PAGE),
    row("/errors/", GET=PAGE),
    row("/costs/", GET=PAGE),
    row("/costs/records.csv", GET=PAGE),
    row(
        "/costs/limits/",
        {"of": "u-1"},
        GET=DEED("costs.change_spendinglimit"),
        POST=DEED("costs.change_spendinglimit"),
    ),
    row("/tools/", GET=PAGE),
    row("/gallery/", GET=PAGE),
    row("/theme/", {"theme": "dark"}, POST=PUBLIC),
    row("/reference/", GET=PAGE),
    row("/docs/", GET=PAGE),
    row(
        "/docs/<path:path>",
        {"action": "archive"},
        GET=PAGE,
        POST=DEED("docsviewer.change_document"),
    ),
    row("/docs/<path:picture>/image", GET=PAGE),
    row("/attachments/<int:pk>/", GET=PAGE),
    row("/attachments/<int:pk>/view/", GET=PAGE),
    row("/login/", GET=PUBLIC, POST=PUBLIC),
    row("/logout/", POST=PAGE),
    row("/password/", GET=PAGE, POST=PAGE),
    row("/health", GET=PUBLIC),
]

API = [
    row("/api/hooks/claude-code", POST=KEY_WRITE),
    row("/api/usage", POST=WRITE("costs.add_costrecord")),
    row("/api/usage/batch", POST=WRITE("costs.add_costrecord")),
    row("/api/user/usage", {"user_id": "u-1"}, GET=READ),
    row("/api/limits/check", POST=KEY_WRITE),
    row("/api/limits/<path:user_id>", GET=READ, PUT=WRITE("costs.change_spendinglimit")),
    row("/api/tasks", POST=WRITE("tasks.add_task")),
    row("/api/tasks/running", GET=READ),
    row("/api/tasks/completed", GET=READ),
    row("/api/tasks/failed", GET=READ),
    row("/api/tasks/all", GET=READ),
    row("/api/tasks/activity", GET=READ),
    row("/api/tasks/<path:task_id>", GET=READ, PATCH=WRITE("tasks.change_task")),
    row("/api/tasks/<path:task_id>/tool-usage", GET=READ),
    row("/api/tasks/<path:task_id>/stop", POST=WRITE("tasks.change_task")),
    row("/api/tasks/<path:task_id>/mark-fixed", POST=WRITE("tasks.change_task")),
    row("/api/tasks/<path:task_id>/activity", POST=WRITE("tasks.change_task")),
    row("/api/tasks/<path:task_id>/attachments", POST=WRITE("tasks.add_attachment")),
    row("/api/sessions/<path:key>/tool-usage", GET=READ),
    row("/api/tool-calls", POST=WRITE("agent_sessions.add_toolcall")),
    row("/api/tool-execution", POST=WRITE("agent_sessions.add_toolcall")),
    row("/api/metrics/overview", GET=READ),
    row("/api/metrics/claude-api", GET=READ),
    row("/api/metrics/claude-sessions", GET=READ),
    row("/api/metrics/cli-sessions", GET=READ),
    row("/api/metrics/tasks", GET=READ),
    row("/api/metrics/tools", GET=READ),
    row("/api/metrics/timeseries", GET=READ),
    row("/api/stream/metrics", GET=READ),
    row("/api/docs/list", GET=READ),
    row("/api/docs/content", {"path": "guide.md"}, GET=READ),
    row("/api/docs/archive", POST=WRITE("docsviewer.change_document")),
    row("/api/docs/restore", POST=WRITE("docsviewer.change_document")),
    row("/api/openapi.json", GET=READ),
    row(
        "/^api/",
        GET=READ.but_nothing_is_there(),
        **dict.fromkeys(WRITING, KEY_WRITE.but_nothing_is_there()),
    ),
]

ADMINISTRATION = [
    row("/admin/", GET=STAFF),
    row("/admin/login/", GET=PUBLIC, POST=PUBLIC),
    row("/admin/logout/", POST=PAGE),
    row("/admin/password_change/", GET=STAFF, POST=STAFF),
    row("/admin/password_change/done/", GET=STAFF),
    row("/admin/autocomplete/", GET=NOBODY),
    row("/admin/jsi18n/", GET=STAFF),
    row("/admin/r/<path:content_type_id>/<path:object_id>/", GET=STAFF.but_nothing_is_there()),
    row("/admin/^(?P<app_label>...)/$", GET=APP("tasks.view_task")),
    row("/admin/(?P<url>.*)$", GET=STAFF.but_nothing_is_there()),
    *model("agent_sessions/fileaccess"),
    *model("agent_sessions/hooklog"),
    *model("agent_sessions/importedfile"),
    *model("agent_sessions/session"),
    *model("agent_sessions/sessionactivity"),
    *model("agent_sessions/toolcall"),
    *model("agent_sessions/toolday"),
    *model("agent_sessions/toolhour"),
    *model("agent_sessions/toolmonth"),
    *model("auth/group", "add change delete"),
    *model("auth/user", "add change delete", add="auth.add_user auth.change_user"),
    row(
        "/admin/auth/user/<id>/password/",
        GET=ADMIN("auth.change_user"),
        POST=ADMIN("auth.change_user"),
    ),
    *model("axes/accessattempt", "change delete"),
    *model("axes/accessfailurelog", "change delete"),
    *model("axes/accesslog", "change delete"),
    *model("costs/costrecord"),
    *model("costs/importedusage"),
    *model("costs/ledgerstate"),
    *model("costs/modelday"),
    *model("costs/modelhour"),
    *model("costs/spendinglimit", "add change delete"),
    *model("costs/usageimport"),
    *model("costs/userday"),
    *model("costs/typehour"),
    *model("costs/typeday"),
    *model("costs/sessionhour"),
    *model("costs/sessionspan"),
    *model("costs/usermodelmonth"),
    *model("costs/userhour"),
    *model("docsviewer/document"),
    *model("monitor/apikey", "add change delete"),
    row(
        "/admin/monitor/apikey/revoke/",
        GET=ADMIN("monitor.change_apikey"),
        POST=ADMIN("monitor.change_apikey"),
    ),
    *model("tasks/activity"),
    *model("tasks/attachment", "add delete"),
    *model("tasks/task"),
]

TABLE = [*PAGES, *API, *ADMINISTRATION]


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
