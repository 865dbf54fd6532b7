"""The page of a task, as text."""

from django.test import Client
from django.urls import reverse

TODO = {"content": "Write it", "status": "in_progress", "activeForm": "Writing it"}
DONE = {"content": "Read it", "status": "completed"}


def url(task_id: str = "t1", query: str = "") -> str:
    return reverse("task", args=[task_id]) + query


def html(client: Client, query: str = "", task_id: str = "t1", **headers: str) -> str:
    response = client.get(url(task_id, query), headers=headers)
    assert response.status_code == 200
    return str(response.content.decode())


def rows(page: str) -> list[str]:
    return page.split('<li class="call ')[1:]
