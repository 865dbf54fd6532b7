"""The live stream: one poller a process looks for commits, and what is new goes to all who listen.

A stream holds neither a thread nor a database connection; whoever reads slowly gets the newest
message only.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import AsyncIterator, Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from django.db import DatabaseError, connections

from monitor.api.snapshot import snapshot
from monitor.callers import Caller, still_allowed
from monitor.version import version

STREAM = "agent_monitor.stream"
"""Under this key of its scope a view leaves what is Asked: its answer then has no end."""

LOOK_EVERY = 0.25  # seconds between two looks for a commit
TELL_EVERY = 1.0  # seconds between two messages, at the least
CHECK_EVERY = 60.0  # seconds after which rights are looked at anew, without a commit too
HEARTBEAT = 15.0  # seconds of silence after which a stream shows that it lives
RETRY_MS = (1_000, 5_000)  # after a restart clients come back spread over this time

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Asked:
    """What a client wants to hear: all figures of the last `hours`, or only that there is news."""

    caller: Caller
    hours: int | None
    last_id: str = ""  # of the last message that it had before


class Stream:
    """The newest message for one client. Belongs to the event loop, and is no thread's business."""

    def __init__(self, asked: Asked) -> None:
        self.asked = asked
        self._news = asyncio.Event()
        self._message = b""
        self._ended = False

    def put(self, message: bytes) -> None:
        self._message = message
        self._news.set()

    def end(self) -> None:
        self._ended = True
        self._news.set()

    async def messages(self) -> AsyncIterator[bytes]:
        """What to send, until the end; a comment where there was nothing for a while."""
        yield b"retry: %d\n\n" % random.randint(*RETRY_MS)  # noqa: S311  (spreads, hides nothing)
        while not self._ended:
            try:
                await asyncio.wait_for(self._news.wait(), HEARTBEAT)
            except TimeoutError:
                yield b": heartbeat\n\n"
                continue
            self._news.clear()
            message, self._message = self._message, b""
            if message and not self._ended:
                yield message


class Broadcaster:
    """Tells all open streams of every commit, whoever made it. Looks only while there are any."""

    def __init__(
        self,
        version: Callable[[], str] = version,
        snapshot: Callable[[int], bytes] = snapshot,
        allowed: Callable[[Collection[Caller]], Collection[Caller]] = still_allowed,
    ) -> None:
        self._version, self._snapshot, self._allowed = version, snapshot, allowed
        self._streams: set[Stream] = set()
        self._checked = 0.0
        self._told = ""
        self._closed = False
        self._poller: asyncio.Task[None] | None = None
        # One thread, so that one database connection serves all.
        self._thread = ThreadPoolExecutor(1, "broadcaster")

    def __len__(self) -> int:
        return len(self._streams)

    async def join(self, asked: Asked) -> Stream:
        """A stream that begins with the state of now, unless its client knows that already."""
        stream = Stream(asked)
        if self._closed:
            stream.end()
            return stream
        self._streams.add(stream)
        if self._poller is None:
            self._poller = asyncio.create_task(self._poll())
        else:
            await self._attempt(self._greet, stream)
        return stream

    def leave(self, stream: Stream) -> None:
        self._streams.discard(stream)

    def close(self) -> None:
        """End all streams, and every one that would still join."""
        self._closed = True
        for stream in self._streams:
            stream.end()
        self._thread.submit(connections.close_all)

    async def _poll(self) -> None:
        self._told = ""
        while self._streams and not self._closed:
            told = self._told
            await self._attempt(self._look)
            await asyncio.sleep(LOOK_EVERY if self._told == told else TELL_EVERY)
        self._poller = None
        await self._ask(connections.close_all)

    async def _attempt(self, step: Callable[..., Any], *args: Any) -> None:
        """A look that fails is no news: the next one may find the database well."""
        try:
            await step(*args)
        except (DatabaseError, OSError) as fault:
            logger.warning("The streams cannot see the database: %s", fault)
            await self._ask(connections.close_all)
        except Exception:
            logger.exception("The streams could not be told")

    async def _look(self) -> None:
        now = await self._ask(self._version)
        is_news = now != self._told
        if is_news or time.monotonic() - self._checked > CHECK_EVERY:
            await self._dismiss()
        if is_news:
            await self._tell(now, self._streams)
            self._told = now

    async def _dismiss(self) -> None:
        """End the streams of those who may not listen any more."""
        callers = {stream.asked.caller for stream in self._streams}
        allowed = await self._ask(self._allowed, callers)
        for stream in self._streams:
            if stream.asked.caller in callers - set(allowed):
                stream.end()
        self._checked = time.monotonic()

    async def _greet(self, stream: Stream) -> None:
        """What the others were told last; if that is old, the next look has news for all."""
        if self._told:
            await self._tell(self._told, {stream})

    async def _tell(self, now: str, streams: set[Stream]) -> None:
        waiting = [stream for stream in streams if stream.asked.last_id != now]
        for hours in {stream.asked.hours for stream in waiting}:
            message = await self._message(now, hours)
            for stream in waiting:
                if stream.asked.hours == hours:
                    stream.put(message)

    async def _message(self, now: str, hours: int | None) -> bytes:
        if hours is None:
            return b"id: %s\nevent: news\ndata: {}\n\n" % now.encode()
        return b"id: %s\ndata: %s\n\n" % (now.encode(), await self._ask(self._snapshot, hours))

    async def _ask(self, question: Callable[..., Any], *args: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._thread, question, *args)
