"""Whether the service works, for whoever watches over it; open to all, and so it tells little."""

from __future__ import annotations

import logging
import tomllib
from functools import cache
from http import HTTPStatus
from pathlib import Path

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError
from django.http import HttpRequest, JsonResponse
from django.urls import path
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from tasks.models import Task

SERVICE = "agent-monitor"

logger = logging.getLogger(__name__)


@cache
def version() -> str:
    """Of the product."""
    project = tomllib.loads((Path(settings.BASE_DIR) / "pyproject.toml").read_text())["project"]
    return str(project["version"])


@login_not_required
@never_cache
@require_safe
def health(request: HttpRequest) -> JsonResponse:
    """200 where the database answers a question about its tables, else 503."""
    told = {"service": SERVICE, "version": version(), "timestamp": timezone.now()}
    try:
        Task.objects.exists()
    except DatabaseError as fault:
        logger.warning("The database did not answer: %s", fault)
        told |= {"status": "unhealthy", "error": "The database does not answer."}
        return JsonResponse(told, status=HTTPStatus.SERVICE_UNAVAILABLE)
    return JsonResponse({"status": "healthy", **told})


routes = [path("health", health, name="health")]
