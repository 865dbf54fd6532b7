"""Django under ASGI with one step to a thread a request, and static files beside it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, cast

from django.core import signals
from django.core.exceptions import RequestAborted
from django.core.handlers.asgi import ASGIHandler, get_script_prefix
from django.http import HttpRequest, HttpResponse, HttpResponseNotFound
from django.http.response import HttpResponseBase
from django.middleware.security import SecurityMiddleware
from django.urls import set_script_prefix
from servestatic.middleware import ServeStaticMiddleware

THREADS = 8
"""Requests answered at a time; further ones wait. Each takes one database connection."""

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
