"""The site as uvicorn serves it: Django, with bodies bounded before it and streams after it."""

from __future__ import annotations

import asyncio
import json
import os
from typing import Any

import django
from asgiref.typing import ASGIReceiveCallable, ASGISendCallable, HTTPScope
from django.conf import settings

from monitor.bodies import Body, Refused

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "monitor.settings")
django.setup(set_prefix=False)

from monitor.handler import StaticHandler, ThreadedHandler  # noqa: E402  (needs the apps)
from monitor.stream import STREAM, Asked, Broadcaster  # noqa: E402


class Site:
    """Django decides on every request. A stream that it allows is fed here, when its thread and
    its database connection are given back already."""

    def __init__(self) -> None:
        self.django = ThreadedHandler()
        self.static = StaticHandler()
        self.broadcaster = Broadcaster()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            raise ValueError(f"Only HTTP is served here, no {scope['type']}.")
        if scope["path"].startswith(settings.STATIC_URL):
            await self.static(scope, receive, send)
        else:
            await self.answer(scope, receive, send)

    async def answer(
        self, scope: HTTPScope, receive: ASGIReceiveCallable, send: ASGISendCallable
    ) -> None:
        body = Body(scope, receive)
        if not body.refusal:
            await self.django(scope, body.receive, Answer(scope, send))
        if body.refusal:
            await refuse(send, body.refusal, body)
        asked: Any = scope.get(STREAM)
        if asked:
            await self.feed(asked, receive, send)

    async def feed(
        self, asked: Asked, receive: ASGIReceiveCallable, send: ASGISendCallable
    ) -> None:
        """Send what is new until the client leaves or the server ends."""
        stream = await self.broadcaster.join(asked)
        leaving = asyncio.ensure_future(receive())  # the next event can only be that it left
        leaving.add_done_callback(lambda _: stream.end())
        try:
            async for message in stream.messages():
                await send({"type": "http.response.body", "body": message, "more_body": True})
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            self.broadcaster.leave(stream)
            leaving.cancel()


class Answer:
    """Passes on what Django sends, but leaves the answer open where a stream follows."""

    def __init__(self, scope: HTTPScope, send: ASGISendCallable) -> None:
        self._scope, self._send = scope, send

    async def __call__(self, event: Any) -> None:
        if STREAM in self._scope:
            if event["type"] == "http.response.body":
                event = event | {"more_body": True}
            else:
                length = b"content-length"
                headers = [pair for pair in event["headers"] if pair[0].lower() != length]
                event = event | {"headers": headers}
        await self._send(event)


async def refuse(send: ASGISendCallable, refusal: Refused, body: Body) -> None:
    text = json.dumps({"error": str(refusal)}).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % len(text)),
        (b"connection", b"close"),
    ]
    start: Any = {"type": "http.response.start", "status": refusal.status, "headers": headers}
    await send(start)
    await send({"type": "http.response.body", "body": text, "more_body": True})
    await body.drain()
    await send({"type": "http.response.body", "body": b"", "more_body": False})


application = Site()
