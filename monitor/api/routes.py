"""All routes of the API, and what is said of them in /api/openapi.json."""

from __future__ import annotations

import json
from functools import cache
from http import HTTPStatus
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.urls import path, re_path
from django.views.decorators.http import require_safe
from dmr.routing import Router

from costs import api as costs
from docsviewer import api as docs
from monitor.api import health, hooks, metrics, stream
from monitor.api import sessions as session_figures
from monitor.api import tasks as task_lists
from monitor.api.document import document
from monitor.guard import problem
from sessions import api as sessions
from tasks import api as tasks


@login_not_required  # the guard has asked already
def unknown(request: HttpRequest) -> HttpResponse:
    return problem(HTTPStatus.NOT_FOUND, "There is no such route; see /api/openapi.json.")


@login_not_required  # the guard has asked already
@require_safe
def openapi(request: HttpRequest) -> HttpResponse:
    return HttpResponse(json.dumps(described()), content_type="application/json")


router = Router(
    "api/",
    [
        *costs.routes,
        *task_lists.routes,
        *tasks.routes,
        *sessions.routes,
        *hooks.routes,
        *session_figures.routes,
        *metrics.routes,
        *docs.routes,
        *stream.routes,
        *task_lists.last_routes,
    ],
)


@cache
def described() -> dict[str, Any]:
    """The OpenAPI document of all routes, not to be changed.

    Made when first asked for: it takes longer than all else at the start of a process.
    """
    return document(router)


urlpatterns = [
    router.to_urlpatterns(),
    path("api/openapi.json", openapi, name="openapi"),
    re_path("^api/", unknown),
    *health.routes,
]
