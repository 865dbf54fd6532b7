"""Routes of the API that tell of tasks: lists, one task, its tool calls, what was said last."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from django.db.models import Exists, OuterRef, Subquery
from django.utils import timezone
from dmr import Path, Query
from dmr.routing import path
from msgspec import Meta, Struct

from monitor.api.calls import Calls, CallsQuery, Delegation, TaskCall
from monitor.api.facts import TaskFacts, facts
from monitor.api.log import Told, told_last
from monitor.api.tokens import TokenUsage, token_usage
from monitor.api.window import PageQuery
from monitor.detail.family import Family
from records.api import NOT_FOUND, Api
from tasks.api import ChangeTask
from tasks.api.address import TaskPath, known
from tasks.models import Activity, Attachment, Task
from tasks.models.task import TaskQuerySet


class RunningQuery(PageQuery):
    active_only: Annotated[bool, Meta(description="Only what runs, newest created first.")] = False


class ActivityQuery(Struct):
    limit: Annotated[int, Meta(ge=1, le=100)] = 8
    user_id: Annotated[str, Meta(max_length=64, pattern=r"^[^\x00]*$")] = ""


class TaskItem(Struct):
    """`worker_type` is the type of agent, `latest_activity` the newest line of the log."""

    task_id: str
    description: str
    status: str
    worker_type: str
    workflow: str | None
    model: str
    created_at: datetime
    updated_at: datetime
    latest_activity: str | None
    token_usage: TokenUsage


class FiledTaskItem(TaskItem):
    has_output_file: Annotated[bool, Meta(description="Whether a document is attached.")]


class TaskList(Struct):
    """One page; `total` counts all that the list holds."""

    tasks: list[TaskItem]
    total: int
    page: int
    page_size: int


class FiledTaskList(Struct):
    """One page; `total` counts all that the list holds."""

    tasks: list[FiledTaskItem]
    total: int
    page: int
    page_size: int


def rows(tasks: TaskQuerySet, asked: PageQuery, *order: str) -> list[Task]:
    """A page of `tasks`, each with what an item tells besides its fields.

    The ids come first, by an index, so that a late page reads no more rows than an early one.
    """
    ids = list(tasks.order_by(*order, "-pk").values_list("pk", flat=True)[asked.cut])
    lines = Activity.objects.filter(task=OuterRef("pk")).exclude(message="")
    documents = Attachment.objects.filter(task=OuterRef("pk"), kind=Attachment.Kind.DOCUMENT)
    found = (
        Task.objects.defer("context", "result", "error", "facts_at")
        .annotate(
            latest=Subquery(lines.order_by("-time", "-pk").values("message")[:1]),
            has_document=Exists(documents),
        )
        .in_bulk(ids)
    )
    return [found[pk] for pk in ids if pk in found]


def items(tasks: list[Task]) -> list[dict[str, Any]]:
    tokens = token_usage([task.pk for task in tasks])
    return [
        {
            "task_id": task.pk,
            "description": task.description,
            "status": task.status,
            "worker_type": task.agent_type,
            "workflow": task.workflow or None,
            "model": task.model,
            "created_at": task.created_at,
            "updated_at": task.updated_at,
            "latest_activity": task.latest,  # type: ignore[attr-defined]
            "token_usage": tokens.get(task.pk, TokenUsage()),
        }
        for task in tasks
    ]


def listed(tasks: TaskQuerySet, asked: PageQuery, order: str = "-updated_at") -> TaskList:
    page = [TaskItem(**item) for item in items(rows(tasks, asked, order))]
    return TaskList(page, tasks.count(), asked.page, asked.page_size)


def listed_with_files(tasks: TaskQuerySet, asked: PageQuery) -> FiledTaskList:
    found = rows(tasks, asked, "-updated_at")
    page = [
        FiledTaskItem(**item, has_output_file=task.has_document)  # type: ignore[attr-defined]
        for task, item in zip(found, items(found), strict=True)
    ]
    return FiledTaskList(page, tasks.count(), asked.page, asked.page_size)


class RunningTasks(Api):
    tags = ("Tasks",)

    def get(self, parsed_query: Query[RunningQuery]) -> TaskList:
        """Tasks that are not completed: pending, running, failed and stopped ones.

        The newest news first; with `active_only` those that run, the newest created first.
        """
        if parsed_query.active_only:
            return listed(Task.objects.running(), parsed_query, "-created_at")
        return listed(Task.objects.not_completed(), parsed_query)


class CompletedTasks(Api):
    tags = ("Tasks",)

    def get(self, parsed_query: Query[PageQuery]) -> FiledTaskList:
        """Tasks that ended well, the newest news first."""
        return listed_with_files(Task.objects.completed(), parsed_query)


class FailedTasks(Api):
    tags = ("Tasks",)

    def get(self, parsed_query: Query[PageQuery]) -> TaskList:
        """Tasks that failed or were stopped, the newest news first."""
        return listed(Task.objects.failed_or_stopped(), parsed_query)


class AllTasks(Api):
    tags = ("Tasks",)

    def get(self, parsed_query: Query[PageQuery]) -> FiledTaskList:
        """All tasks, the newest news first."""
        return listed_with_files(Task.objects.all(), parsed_query)


class OneTask(ChangeTask):
    def get(self, parsed_path: Path[TaskPath]) -> TaskFacts:
        """All that is known of one task."""
        return facts(known(parsed_path))


class TaskSummary(Struct):
    """Over all calls, not only those of the page; by type only those that are kept.

    `blocked_operations` is 0: a call that a hook blocked is one that failed.
    """

    task_id: str
    total_tools_used: int
    tools_by_type: dict[str, int]
    blocked_operations: int
    tools_with_errors: int


class TaskToolUsage(Struct):
    task_id: str
    summary: TaskSummary
    tool_calls: list[TaskCall]
    worker_chain: list[Delegation]
    has_logs: Annotated[bool, Meta(description="Whether there is any call.")]


class OneTaskToolUsage(Api):
    tags = ("Tasks",)
    responses = (*Api.responses, NOT_FOUND)

    def get(self, parsed_path: Path[TaskPath], parsed_query: Query[CallsQuery]) -> TaskToolUsage:
        """The tool calls of a task's sessions and of all sub-agents below them.

        Every call is an entry of its own. A page holds up to 1,000 calls, the newest ones first;
        within it they are in the order in which they began. `worker_chain` tells of the newest
        1,000 sub-agents that were sent off.
        """
        task_id = known(parsed_path).pk
        calls = Calls(Family("task_id", task_id), parsed_query, timezone.now())
        return TaskToolUsage(
            task_id=task_id,
            summary=TaskSummary(task_id, calls.total, calls.by_type, 0, calls.failures),
            tool_calls=calls.of_task(),
            worker_chain=calls.delegations(),
            has_logs=calls.total > 0,
        )


class ActivityList(Struct):
    """Newest first; `total` is how many are listed."""

    activity: list[Told]
    total: int


class TaskActivity(Api):
    tags = ("Tasks",)

    def get(self, parsed_query: Query[ActivityQuery]) -> ActivityList:
        """What was told last: lines of the logs of tasks, and sessions without a task that are
        active.

        Of the `limit` tasks with the newest news the last 10 lines each are looked at, and the 5
        sessions that were active last; the newest `limit` of all are listed, of one user where
        `user_id` is given.
        """
        told = told_last(parsed_query.limit, timezone.now(), parsed_query.user_id)
        return ActivityList(told, len(told))


routes = [
    path("tasks/running", RunningTasks.as_view(), name="running_tasks"),
    path("tasks/completed", CompletedTasks.as_view(), name="completed_tasks"),
    path("tasks/failed", FailedTasks.as_view(), name="failed_tasks"),
    path("tasks/all", AllTasks.as_view(), name="all_tasks"),
    path("tasks/activity", TaskActivity.as_view(), name="latest_activity"),
    path("tasks/<path:task_id>/tool-usage", OneTaskToolUsage.as_view(), name="task_tool_usage"),
]
last_routes = [path("tasks/<path:task_id>", OneTask.as_view(), name="one_task")]
