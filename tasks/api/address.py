"""Which task an address of the API means."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from records.api import missing
from tasks.models import Task

PREFIX = "task_"


class TaskPath(Struct):
    task_id: Annotated[str, Meta(description=f"The task's id; “{PREFIX}” may stand before it.")]


def known(address: TaskPath) -> Task:
    """The task of that id, else the one of the id behind the prefix; answers 404 for neither."""
    ids = {address.task_id, address.task_id.removeprefix(PREFIX)}
    rows = Task.objects.filter(id__in=ids) if address.task_id.isprintable() else []
    task = max(rows, key=lambda task: len(task.id), default=None)
    if task is None:
        raise missing("Task")
    return task


def locked(task: Task) -> Task:
    """The row as it is, nobody else's until the transaction ends; answers 404 if it is gone."""
    row = Task.objects.select_for_update().filter(pk=task.pk).first()
    if row is None:
        raise missing("Task")
    return row
