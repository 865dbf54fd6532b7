"""How tests of the admin read its pages: signed in with some permissions, by column, by plan."""

import re
from typing import Any

from django.contrib.auth.models import Permission, User
from django.db import connection
from django.db.models import Model
from django.test import Client
from django.test.utils import CaptureQueriesContext

HOSTILE = "<script>alert('1')</script>\"&"
INLINE = r"<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)[^>]*>[^<]"


def staff(client: Client, *models: type[Model], deeds: tuple[str, ...] = ("view",)) -> Client:
    """Somebody of the staff, with leave for these deeds on these models, signed in."""
    person, _ = User.objects.get_or_create(username="clerk", is_staff=True)
    names = [f"{deed}_{model._meta.model_name}" for deed in deeds for model in models]
    apps = {model._meta.app_label for model in models}
    person.user_permissions.set(
        Permission.objects.filter(codename__in=names, content_type__app_label__in=apps)
    )
    client.force_login(person)
    return client


def address(model: type[Model], page: str = "") -> str:
    return f"/admin/{model._meta.app_label}/{model._meta.model_name}/{page}"


def detail(row: Model, page: str = "change") -> str:
    return address(type(row), f"{row.pk}/{page}/")


def body(client: Client, url: str) -> str:
    response = client.get(url)
    assert response.status_code == 200, f"{url} answers {response.status_code}"
    return response.content.decode()


def listed(client: Client, url: str, column: str) -> list[str]:
    """What a column of the list shows, from the top."""
    return re.findall(
        rf'<t[dh] class="field-{column}[^"]*">(?:<a[^>]*>)?([^<]*)<', body(client, url)
    )


def statements(client: Client, url: str) -> list[str]:
    with CaptureQueriesContext(connection) as made:
        body(client, url)
    return [query["sql"] for query in made.captured_queries]


def unbounded_counts(made: list[str]) -> list[str]:
    return [sql for sql in made if "COUNT(" in sql and "LIMIT" not in sql]


def plan(sql: str) -> str:
    """How SQLite would answer a statement."""
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {sql.replace('%', '%%')}")
        return "\n".join(str(row[-1]) for row in cursor.fetchall())


def assert_nobody_changes(client: Client, row: Model, *, kept: Any = None) -> None:
    """Not even an administrator adds, changes or deletes a record of this kind."""
    model = type(row)
    before = model._default_manager.values().get(pk=row.pk)
    sent = {name: str(value) for name, value in before.items()}
    for page in (address(model, "add/"), detail(row), detail(row, "delete")):
        assert client.post(page, sent).status_code == 403
    chosen = {"action": "delete_selected", "_selected_action": row.pk, "post": "yes"}
    client.post(address(model), chosen)
    assert model._default_manager.values().get(pk=row.pk) == before
