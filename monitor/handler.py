"""Django under ASGI with one step to a thread a request, and static files beside it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, cast

from django.core import signals
from django.core.exceptions import RequestAborted
from django.core.handlers.asgi import ASGIHandler, get_script_prefix
from django.http import HttpRequest, HttpResponse, HttpResponseNotFound
from django.http.response import HttpResponseBase
from django.middleware.security import SecurityMiddleware
from django.template.loader import render_to_string
from django.urls import set_script_prefix
from servestatic.middleware import ServeStaticMiddleware

from monitor.guard import LOST, failure, is_guarded

logger = logging.getLogger(__name__)

THREADS = 8
"""Requests answered at a time; further ones wait. Each thread keeps one database connection."""

Event = dict[str, Any]
Coroutine = Callable[..., Any]


class ThreadedHandler(ASGIHandler):
    """Answers from a pool of threads, where Django's own handler takes several steps to a new
    thread for each request, and gathers a streamed answer whole before it sends any of it."""

    def __init__(self) -> None:
        self.load_middleware(is_async=False)
        self._pool = ThreadPoolExecutor(THREADS, "request")

    async def __call__(self, scope: Any, receive: Coroutine, send: Coroutine) -> None:
        try:
            body = await self.read_body(receive)
        except RequestAborted:
            return
        loop = asyncio.get_running_loop()

        def send_on(event: Event) -> None:
            asyncio.run_coroutine_threadsafe(send(event), loop).result()

        rest = await loop.run_in_executor(self._pool, self._answer, scope, body, send_on)
        for event in rest:
            await send(event)

    def _get_response(self, request: HttpRequest) -> HttpResponseBase:
        try:
            answer: HttpResponseBase = super()._get_response(request)  # type: ignore[misc]
            return answer
        except LOST as fault:
            return unavailable(request, fault)

    def _answer(self, scope: Any, body: Any, send: Callable[[Event], None]) -> list[Event]:
        """Answer in this thread. What is streamed is sent from here, in step with its reader;
        anything else is left for the caller to send."""
        set_script_prefix(get_script_prefix(scope))
        signals.request_started.send(sender=self.__class__, scope=scope)
        request, refused = self.create_request(scope, body)
        response: Any = refused or self.get_response(cast(HttpRequest, request))
        response._handler_class = self.__class__
        try:
            if not response.streaming:
                return list(events(response, response))
            for event in events(response, response):
                send(event)
            return []
        finally:
            response.close()
            body.close()


def unavailable(request: HttpRequest, fault: Exception) -> HttpResponse:
    """What is said where the database is locked, full or gone; made without it."""
    if is_guarded(request):
        return failure(request, fault)
    logger.warning("%s %s: %s", request.method, request.path, fault)
    page = render_to_string("503.html")
    return HttpResponse(page, status=503, headers={"Retry-After": "1"})


def events(response: HttpResponseBase, parts: Iterable[bytes]) -> Iterator[Event]:
    headers = [(name.encode("ascii"), value.encode("latin1")) for name, value in response.items()]
    cookies = [cookie.output(header="").strip().encode() for cookie in response.cookies.values()]
    headers += [(b"Set-Cookie", cookie) for cookie in cookies]
    yield {"type": "http.response.start", "status": response.status_code, "headers": headers}
    for part in parts:
        yield {"type": "http.response.body", "body": part, "more_body": True}
    yield {"type": "http.response.body", "body": b"", "more_body": False}


class StaticHandler(ASGIHandler):
    """Answers with the collected static files, and knows nothing else."""

    def load_middleware(self, is_async: bool = True) -> None:
        self._middleware_chain = SecurityMiddleware(ServeStaticMiddleware(missing))


async def missing(request: HttpRequest) -> HttpResponse:
    return HttpResponseNotFound("There is no such file.", content_type="text/plain")
