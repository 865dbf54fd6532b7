"""Routes on which a task is stopped, and a failure marked as fixed."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Literal

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from dmr import APIError, Path, modify
from msgspec import Struct

from records.api import NOT_FOUND, Api, Problem, missing
from tasks import actions
from tasks.api.address import TaskPath, known
from tasks.models import Task


class TaskStopped(Struct, kw_only=True):
    success: Literal[True] = True
    message: str


class TaskFixed(Struct, kw_only=True):
    task_id: str
    status: Literal["completed"] = "completed"
    message: str


class StopApi(Api):
    tags = ("Tasks",)
    permission = "tasks.change_task"
    responses = (*Api.responses, NOT_FOUND)

    @modify(status_code=HTTPStatus.OK)
    def post(self, parsed_path: Path[TaskPath]) -> TaskStopped:
        """Stop a task that is pending or running.

        Where its process is known on the host of this service, it is asked to end (SIGTERM); the
        message tells. A task in another state answers 400.
        """
        words = carried_out(actions.stop, known(parsed_path), self.request.user)
        return TaskStopped(message=words)


class MarkFixedApi(Api):
    tags = ("Tasks",)
    permission = "tasks.change_task"
    responses = (*Api.responses, NOT_FOUND)

    @modify(status_code=HTTPStatus.OK)
    def post(self, parsed_path: Path[TaskPath]) -> TaskFixed:
        """Let a failure that was put right count as completed.

        Its log keeps the error. A task that has not failed answers 400.
        """
        task = known(parsed_path)
        words = carried_out(actions.mark_fixed, task, self.request.user)
        return TaskFixed(task_id=task.id, message=words)


def carried_out(
    action: Callable[[Task, str], str], task: Task, user: AbstractBaseUser | AnonymousUser
) -> str:
    """What was done, in words; answers 400 where the state of the task does not allow it."""
    try:
        return action(task, user.get_username())
    except Task.NotAllowed as fault:
        raise APIError(Problem(str(fault)), status_code=HTTPStatus.BAD_REQUEST) from None
    except Task.DoesNotExist:
        raise missing("Task") from None
