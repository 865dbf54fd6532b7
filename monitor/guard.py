"""Who may use the API: nobody, unless a key or a signed-in person says otherwise."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime
from http import HTTPStatus
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.core import exceptions
from django.db import Error, InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.http.multipartparser import MultiPartParserError
from django.http.response import HttpResponseBase
from django.middleware.csrf import CsrfViewMiddleware
from django.utils import timezone
from django.utils.log import log_response

from monitor.middleware import Request
from monitor.models import ApiKey
from records.api import Api

PREFIX = "/api/"
SAFE = ("GET", "HEAD", "OPTIONS")
LOST = (OperationalError, InterfaceError)  # a database that is locked, full or gone
SENSELESS = (exceptions.BadRequest, exceptions.SuspiciousOperation, MultiPartParserError)

FAULTS: list[tuple[Any, HTTPStatus, str]] = [
    (
        LOST,
        HTTPStatus.SERVICE_UNAVAILABLE,
        "The database is busy or lost; nothing was stored. Try again.",
    ),
    (Http404, HTTPStatus.NOT_FOUND, "There is nothing under that address."),
    (exceptions.PermissionDenied, HTTPStatus.FORBIDDEN, "You may not do that."),
    (
        exceptions.RequestDataTooBig,
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        "The body is too long.",
    ),
    (SENSELESS, HTTPStatus.BAD_REQUEST, "The request makes no sense."),
    (Exception, HTTPStatus.INTERNAL_SERVER_ERROR, "The server failed; its log says why."),
]

logger = logging.getLogger(__name__)
View = Callable[..., HttpResponseBase]


class Uses:
    """When each key was last used, kept in mind and written down now and then.

    A request that only reads must not wait for whoever is writing.
    """

    def __init__(self) -> None:
        self._last: dict[int, datetime] = {}

    def note(self, key: ApiKey, now: datetime) -> None:
        self._last[key.pk] = now

    def write_down(self) -> None:
        """Raises django.db.Error; what was not written then is kept for the next time."""
        while self._last:
            pk, at = self._last.popitem()
            try:
                ApiKey.objects.note_use(pk, at)
            except Error:
                self._last.setdefault(pk, at)
                raise


USES = Uses()


class Csrf(CsrfViewMiddleware):
    """Tells why the token of a request is not right, instead of answering with a page."""

    def _reject(self, request: HttpRequest, reason: str) -> Any:
        return reason


class Guard:
    """Answers 401 and 403 before any route of the API is looked for, and every fault as JSON."""

    def __init__(self, get_response: View) -> None:
        self.get_response = get_response

    def __call__(self, request: Request) -> HttpResponseBase:
        if not is_guarded(request):
            return self.get_response(request)
        try:
            refusal = authenticate(request)
        except Exception as fault:
            return failure(request, fault)
        return refusal or self.get_response(request)

    def process_view(
        self, request: Request, view: View, args: Any, kwargs: Any
    ) -> HttpResponse | None:
        if not is_guarded(request) or request.api_key or request.method in SAFE:
            return None
        try:
            return refuse_deed(request, view)
        except Exception as fault:
            return failure(request, fault)

    def process_exception(self, request: Request, fault: Exception) -> HttpResponse | None:
        return failure(request, fault) if is_guarded(request) else None


def is_guarded(request: HttpRequest) -> bool:
    return request.path_info.startswith(PREFIX)


def authenticate(request: Request) -> HttpResponse | None:
    """The refusal of who shows neither a key with the scope, nor a sign-in and its CSRF token."""
    request.api_key = None
    secret = secret_shown(request)
    refusal = refuse_person(request) if secret is None else refuse_key(request, secret)
    request.csrf_processing_done = True  # type: ignore[attr-defined]  # that is settled now
    return refusal


def secret_shown(request: HttpRequest) -> str | None:
    """The secret of a key; None where there is none, or where a proxy sends its own password."""
    scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
    return secret.strip() if scheme.lower() == "bearer" else None


def refuse_key(request: Request, secret: str) -> HttpResponse | None:
    """A key counts alone: who shows one is not taken for a signed-in person."""
    request.user = AnonymousUser()  # type: ignore[assignment]
    now = timezone.now()
    key = request.api_key = ApiKey.objects.presented(secret, now)
    if key is None:
        return unauthorized("The key is unknown, revoked or expired")
    USES.note(key, now)
    scope = "read" if request.method in SAFE else "write"
    if key.allows(scope):
        return None
    return problem(HTTPStatus.FORBIDDEN, f"The key lacks the scope “{scope}”.")


def refuse_person(request: Request) -> HttpResponse | None:
    if not request.user.is_authenticated:
        return unauthorized("Sign in, or send a key")
    reason = Csrf(guarded := lambda request: HttpResponse()).process_view(request, guarded, (), {})
    return problem(HTTPStatus.FORBIDDEN, f"CSRF: {reason}") if reason else None


def refuse_deed(request: Request, view: View) -> HttpResponse | None:
    """A person writes with the permission that the route names; where it names none, nobody."""
    route = getattr(view, "view_class", None)
    permission = route.permission if route and issubclass(route, Api) else ""
    if permission and request.user.has_perm(permission):
        return None
    return problem(HTTPStatus.FORBIDDEN, "You may not do that; a key with the scope “write” may.")


def problem(status: HTTPStatus, error: str, **headers: str) -> HttpResponse:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return JsonResponse({"error": error}, status=status, headers=named)


def unauthorized(why: str) -> HttpResponse:
    error = f"{why}: Authorization: Bearer followed by the secret of an API key."
    return problem(HTTPStatus.UNAUTHORIZED, error, WWW_Authenticate="Bearer")


def failure(request: HttpRequest, fault: Exception) -> HttpResponse:
    """What a client is told of a fault. What else there is to say the log has, and once."""
    status, error = next(
        (status, error) for kind, status, error in FAULTS if isinstance(fault, kind)
    )
    lost = isinstance(fault, LOST)
    answer = problem(status, error, **({"Retry_After": "1"} if lost else {}))
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        log_response(
            "%s %s: %s",
            *(request.method, request.path, str(fault)),
            response=answer,
            request=request,
            logger=logger,
            level="warning" if lost else "error",
            exception=None if lost else fault,
        )
    return answer
