"""Routes on which agents say that there is a task, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any, Literal

from django.db import transaction
from django.http import HttpResponse
from django.utils import timezone
from dmr import Path, ResponseSpec, validate
from dmr.plugins.msgspec import BodyMsgspec
from msgspec import Meta, Struct
from msgspec.structs import asdict, replace

from records.api import NOT_FOUND, Api
from tasks.api.address import TaskPath, known, locked
from tasks.identity import Invalid
from tasks.models import Status, Task, new_task_id
from tasks.models.task import MAX_ID
from tasks.reporting import FACTS, Facts, Report, prepare, write

State = Literal["pending", "running", "completed", "failed", "stopped"]
Change = Literal["running", "completed", "failed", "stopped"]
StatusName = Annotated[str, Meta(extra_json_schema={"enum": Status.values})]
Time = Annotated[datetime, Meta(tz=True)]
EventId = Annotated[
    str, Meta(max_length=64, description="Tells events apart: the same one twice is one.")
]
Lines = Annotated[int, Meta(ge=0, le=10**12)]


class NewTask(Facts, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A task. `task_id` is made where it is blank; `prompt` is another name of `description`."""

    task_id: Annotated[str, Meta(max_length=MAX_ID)] = ""
    prompt: str = ""
    status: State = "pending"
    created_at: Time | None = None
    at: Time | None = None

    @property
    def dated(self) -> datetime | None:
        return self.at or self.created_at

    def report(self, now: datetime) -> Report:
        if bool(self.description) == bool(self.prompt):
            raise Invalid("description", "tell what the task is: here, or as “prompt”, not as both")
        told = {name: getattr(self, name) for name in FACTS}
        return Report(
            **told | {"description": self.description or self.prompt},
            task_id=self.task_id or new_task_id(),
            at=self.dated or now,
            created_at=self.created_at,
            status=self.status,
            event_id="" if self.dated else f"reported {self.status}",
        )


class TaskChange(Facts, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """News of a task at `at`, by default now. `error` and `result` belong to a `status`."""

    at: Time | None = None
    status: Change | None = None
    error: str = ""
    result: str = ""
    message: str = ""
    output_lines: Lines | None = None
    metadata: Mapping[str, Any] | None = None
    event_id: EventId = ""

    def report(self, task: Task, now: datetime) -> Report:
        for field in ("error", "result"):
            if getattr(self, field) and not self.status:
                raise Invalid(field, "belongs to a status: send “status” with it")
        told = asdict(self) | {"task_id": task.id, "at": self.at or now}
        return Report(**told | {"status": self.status or ""})


class TaskTaken(Struct):
    task_id: str
    status: StatusName
    message: str
    workspace: str
    model: str
    agent_type: str


class TaskChanged(Struct):
    task_id: str
    status: StatusName
    updated_at: datetime


class TasksApi(Api):
    tags = ("Tasks",)
    permission = "tasks.add_task"

    @validate(
        ResponseSpec(TaskTaken, status_code=HTTPStatus.CREATED, description="It is new."),
        ResponseSpec(TaskTaken, status_code=HTTPStatus.OK, description="It was known."),
        *Api.responses,
    )
    def post(self, parsed_body: BodyMsgspec[NewTask]) -> HttpResponse:
        """Report a task.

        It is recorded; no agent is started. Under a `task_id` that is known already the task is
        reported again: the latest word on each fact counts. Without `at` and `created_at` a new
        task begins now, and a known one is told of as of its beginning, so that a repeat changes
        nothing; what became of it is told to /api/tasks/{task_id}.
        """
        news = prepare(parsed_body.report(timezone.now()))
        with transaction.atomic():
            task, is_new = opened(news)
            in_time = is_new or parsed_body.dated
            write([news if in_time else replace(news, at=task.created_at)])
            task.refresh_from_db()
        status = HTTPStatus.CREATED if is_new else HTTPStatus.OK
        return self.to_response(taken(task, is_new=is_new), status_code=status)


class ChangeTask(Api):
    """To be routed by a class that also reads the task."""

    tags = ("Tasks",)
    permission = "tasks.change_task"
    responses = (*Api.responses, NOT_FOUND)

    def patch(
        self, parsed_path: Path[TaskPath], parsed_body: BodyMsgspec[TaskChange]
    ) -> TaskChanged:
        """Tell what became of a task.

        News may come in any order: the state of the latest time counts, of facts likewise, and
        none is refused for its order. What says nothing new, or repeats an `event_id`, changes
        nothing; of a task that runs it is a sign of life, as is a body without any field.
        """
        now = timezone.now()
        task = known(parsed_path)
        news = prepare(parsed_body.report(task, now))
        with transaction.atomic():
            task = locked(task)
            if parsed_body.at or not is_repeated(news, task):
                write([news])
            elif task.is_active:
                Task.objects.heard(task.id, now)
            task.refresh_from_db()
        return TaskChanged(task.id, task.status, task.updated_at)


def opened(news: Report) -> tuple[Task, bool]:
    """The row of the task that is reported, locked, and whether it was made just now."""
    times = dict.fromkeys(("created_at", "updated_at", "status_at"), news.at)
    return Task.objects.select_for_update().get_or_create(id=news.task_id, defaults=times)


def taken(task: Task, *, is_new: bool) -> TaskTaken:
    words = "is recorded" if is_new else "was known, and is recorded as it is now told"
    message = f"Task {task.id} {words}; no agent is started here."
    return TaskTaken(task.id, task.status, message, task.workspace, task.model, task.agent_type)


def is_repeated(news: Report, task: Task) -> bool:
    """Whether the task and its log say all that already which is told without a time."""
    if news.event_id:
        return task.activity.filter(event_id=news.event_id).exists()
    told = {name: getattr(news, name) for name in ("status", "error", "result", *FACTS)}
    if any(value not in ("", None, getattr(task, name)) for name, value in told.items()):
        return False
    if not (news.status or news.message):
        return True
    line = task.activity.filter(status=news.status).order_by("-time", "-pk").first()
    return line is not None and (line.message, line.output_lines, line.metadata) == (
        news.message or news.error,
        news.output_lines,
        news.metadata,
    )
