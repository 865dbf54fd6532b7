"""Routes of the API that write tasks. ChangeTask is routed by the roof, with what reads one."""

from __future__ import annotations

from dmr.routing import path

from tasks.api.attachments import AttachmentsApi
from tasks.api.log import LogApi
from tasks.api.reports import ChangeTask, TasksApi
from tasks.api.steps import MarkFixedApi, StopApi

__all__ = ["ChangeTask", "routes"]

routes = [
    path("tasks", TasksApi.as_view(), name="tasks"),
    path("tasks/<path:task_id>/stop", StopApi.as_view(), name="stop_task"),
    path("tasks/<path:task_id>/mark-fixed", MarkFixedApi.as_view(), name="mark_task_fixed"),
    path("tasks/<path:task_id>/activity", LogApi.as_view(), name="task_activity"),
    path("tasks/<path:task_id>/attachments", AttachmentsApi.as_view(), name="task_attachments"),
]
