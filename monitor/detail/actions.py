"""What a person may do to a task on its page: each is asked first, then done."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django.core.files.uploadedfile import UploadedFile

from tasks.actions import mark_fixed, stop
from tasks.files import MAX_SIZE
from tasks.models import Task


@dataclass(frozen=True)
class Action:
    """A step that needs `permission` and fits some states of a task only.

    `carry_out` takes the task and the name of who does it, answers with what happened, and
    raises Task.NotAllowed where the task has moved on.
    """

    name: str
    label: str
    question: str
    fits: Callable[[Task], bool]
    carry_out: Callable[[Task, str], str]


ACTIONS = {
    "stop": Action(
        "stop",
        "Stop the task",
        "Stop this task? Its process is asked to end where that is possible.",
        lambda task: task.is_active,
        stop,
    ),
    "mark_fixed": Action(
        "mark_fixed",
        "Mark fixed",
        "Mark this failure as fixed? The task will count as completed; its log keeps the error.",
        lambda task: task.is_failed,
        mark_fixed,
    ),
}
CHANGE, ATTACH = "tasks.change_task", "tasks.add_attachment"


def attach(task: Task, file: UploadedFile[bytes] | None) -> str:
    """Keep an uploaded file. Raises ValueError, in words for the sender, for one that cannot be."""
    if file is None or file.name is None:
        raise ValueError("Choose a file to attach.")
    if file.size is None or file.size > MAX_SIZE:
        raise ValueError(f"{file.name}: a file has at most {MAX_SIZE // 2**20} MiB.")
    return f"{task.attach(file.name, file.read())} is attached."
