"""The body of a request, inflated where it is compressed, and never longer than MAX_BODY."""

from __future__ import annotations

import asyncio
import zlib
from contextlib import suppress
from typing import Any

from asgiref.typing import ASGIReceiveCallable, HTTPScope

MAX_BODY = 12 * 2**20
"""Bytes, after inflation: an attachment of the largest size, or a thousand events at their full."""

LINGER = 5.0  # seconds in which the rest of a refused body is taken
MAX_GZIPS = 1_000  # in a row: each costs time, though it may hold nothing
GZIP = 31  # how zlib is told to read the header and the sums of gzip


class Refused(Exception):
    """The body cannot be taken; `status` is 400, 413 or 415."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


class Body:
    """Receives the body of a request in place of the server's own `receive`."""

    def __init__(self, scope: HTTPScope, receive: ASGIReceiveCallable) -> None:
        self._receive = receive
        self._gzip: Gzip | None = None
        self._sent = self._size = 0
        self._is_whole = False
        self.refusal: Refused | None = None
        try:
            self._gzip = Gzip() if is_compressed(scope) else None
        except Refused as refusal:
            self.refusal = refusal

    async def receive(self) -> Any:
        """The next event. That the client left, as soon as the body proves to be too long or no
        gzip: so Django lets go of what it has of it, and `refusal` tells why.
        """
        event = await self._next()
        try:
            return event | self._checked(event) if event["type"] == "http.request" else event
        except Refused as refusal:
            self.refusal = refusal
            return {"type": "http.disconnect"}

    async def drain(self) -> None:
        """Take what is still sent, for a while. Who sends on while the connection is closed hears
        of that, and not the answer.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(LINGER):
                while not self._is_whole:
                    await self._next()

    async def _next(self) -> Any:
        event: Any = await self._receive()
        self._is_whole = not event.get("more_body")
        return event

    def _checked(self, event: Any) -> dict[str, bytes]:
        chunk = event.get("body", b"")
        self._sent += len(chunk)  # of which gzip can make nothing, without end
        if self._gzip:
            chunk = self._gzip.inflated(chunk, MAX_BODY + 1 - self._size)
        self._size += len(chunk)
        if max(self._sent, self._size) > MAX_BODY:
            raise Refused(413, f"The body is longer than {MAX_BODY // 2**20} MiB.")
        if self._gzip and self._gzip.is_open and self._is_whole:
            raise Refused(400, "The body is torn: its gzip has no end.")
        return {"body": chunk}


class Gzip:
    """Inflates chunk by chunk; as everywhere, several gzips in a row make one whole."""

    def __init__(self) -> None:
        self._member: Any = None
        self._members = 0

    @property
    def is_open(self) -> bool:
        """Whether more has to come."""
        return self._member is not None

    def inflated(self, chunk: bytes, most: int) -> bytes:
        """At most `most` bytes, which are all where there are fewer."""
        inflated = bytearray()
        while chunk and len(inflated) < most:
            self._member = self._member or self._next()
            try:
                inflated += self._member.decompress(chunk, most - len(inflated))
            except zlib.error as fault:
                raise Refused(400, f"The body is no gzip: {fault}.") from None
            chunk = self._member.unused_data
            if self._member.eof:
                self._member = None
        return bytes(inflated)

    def _next(self) -> Any:
        self._members += 1
        if self._members > MAX_GZIPS:
            raise Refused(400, f"The body is more than {MAX_GZIPS:,} gzips in a row.")
        return zlib.decompressobj(wbits=GZIP)


def is_compressed(scope: HTTPScope) -> bool:
    """Whether the body is gzip; the headers tell of the plain body afterwards."""
    headers = dict(scope["headers"])
    encoding = headers.get(b"content-encoding", b"").strip().lower()
    if encoding in (b"", b"identity"):
        return False
    if encoding != b"gzip":
        raise Refused(415, "Content-Encoding may be gzip, or be left out.")
    scope["headers"] = [
        (name, value)
        for name, value in scope["headers"]
        if name not in (b"content-encoding", b"content-length")
    ]
    return True
