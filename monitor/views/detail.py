from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import BadRequest, PermissionDenied
from django.http import HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.views.decorators.http import condition, require_http_methods, require_safe

from monitor.detail.actions import ACTIONS, ATTACH, CHANGE, attach
from monitor.detail.address import Address
from monitor.detail.session import SessionDetail
from monitor.detail.task import TaskDetail
from monitor.etags import fragment_tag, this_minute
from monitor.middleware import Request
from sessions.models import Session
from tasks.models import Task

TASK = "tasks/task_detail.html"
SESSION = "sessions/session_detail.html"
UNKNOWN = "monitor/unknown.html"
WRONG = "400.html"


def task_tag(request: Request, task_id: str) -> str | None:
    return fragment_tag(request, TASK)


def session_tag(request: Request, key: str) -> str | None:
    return fragment_tag(request, SESSION)


@require_http_methods(["GET", "HEAD", "POST"])
@condition(etag_func=task_tag)
def task(request: Request, task_id: str) -> HttpResponse:
    found = Task.objects.filter(id=task_id).first() if task_id.isprintable() else None
    if found is None:
        return unknown(request, "task", task_id)
    if request.method == "POST":
        return act(request, found)
    try:
        return task_page(request, found, action=request.GET.get("action", ""))
    except ValueError as error:
        return TemplateResponse(request, WRONG, {"reason": error}, status=400)


@require_safe
@condition(etag_func=session_tag)
def session(request: Request, key: str) -> HttpResponse:
    known = Session.objects.select_related("parent")
    found = known.filter(key=key).first() if key.isprintable() else None
    if found is None:
        return unknown(request, "session", key)
    try:
        page = SessionDetail(found, Address.of(request), this_minute())
    except ValueError as error:
        return TemplateResponse(request, WRONG, {"reason": error}, status=400)
    return TemplateResponse(request, SESSION, {"page": page})


def unknown(request: Request, kind: str, name: str) -> HttpResponse:
    return TemplateResponse(request, UNKNOWN, {"kind": kind, "name": name}, status=404)


def task_page(request: Request, task: Task, status: int = 200, **state: Any) -> HttpResponse:
    page = TaskDetail(task, Address.of(request), this_minute(), request.user, **state)
    return TemplateResponse(request, TASK, {"page": page}, status=status)


def act(request: Request, task: Task) -> HttpResponse:
    """Do what was confirmed; then the page anew, or why it could not be done."""
    try:
        notice = carried_out(request, task)
    except Task.NotAllowed as fault:
        task.refresh_from_db()
        return task_page(request, task, status=409, fault=str(fault))
    except ValueError as fault:
        return task_page(request, task, status=422, fault=str(fault), action="attach")
    except BadRequest as fault:
        return TemplateResponse(request, WRONG, {"reason": fault}, status=400)
    if request.htmx:
        return task_page(request, task, notice=notice)
    messages.success(request, notice)
    return HttpResponseRedirect(Address.of(request).path)


def carried_out(request: Request, task: Task) -> str:
    """What was done, in words. Raises Task.NotAllowed, ValueError, or what means 400 and 403."""
    name = request.POST.get("action", "")
    if name not in (*ACTIONS, "attach"):
        raise BadRequest("There is no such action.")
    if not request.user.has_perm(ATTACH if name == "attach" else CHANGE):
        raise PermissionDenied
    if name == "attach":
        return attach(task, request.FILES.get("file"))
    return ACTIONS[name].carry_out(task, request.user.get_username())
