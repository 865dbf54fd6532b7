"""Writers of one process, let into a SQLite file one after the other, in the order they came.

SQLite lets who finds the file locked sleep and look again, the longer the longer it has waited:
so the first to come is often the last to be let in, and the file stands idle between two looks.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from functools import cache

LOOK_EVERY = 1.0  # seconds after which who waits looks whether the writer before still lives


class Turns:
    """Whose turn it is. The turn of a thread that has ended goes to the next one."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._writer: threading.Thread | None = None
        self._waiting: deque[Place] = deque()

    def take(self, patience: float) -> threading.Thread | None:
        """Wait `patience` seconds at the most; this thread once it is its turn, else None."""
        place = Place()
        with self._lock:
            if self._writer is None:
                self._writer = place.thread
                return place.thread
            self._waiting.append(place)
        return place.thread if self._wait(place, self._clock() + patience) else None

    def end(self, writer: threading.Thread) -> None:
        """Let the next one in; nothing happens where it is not the turn of `writer`."""
        with self._lock:
            if self._writer is not writer:
                return
            self._writer = None
            if self._waiting:
                place = self._waiting.popleft()
                self._writer = place.thread
                place.called.set()

    def _wait(self, place: Place, end: float) -> bool:
        while not place.called.wait(max(0, min(LOOK_EVERY, end - self._clock()))):
            writer = self._writer
            if writer and not writer.is_alive():
                self.end(writer)
            elif self._clock() >= end:
                return self._leave(place)
        return True

    def _leave(self, place: Place) -> bool:
        """Wait no longer; True where the turn has come at the last moment."""
        with self._lock:
            if place in self._waiting:
                self._waiting.remove(place)
                return False
            return True


class Place:
    """Where a thread stands in the queue."""

    def __init__(self) -> None:
        self.thread = threading.current_thread()
        self.called = threading.Event()


@cache
def turns(file: str) -> Turns:
    """Those of all connections of this process to `file`."""
    return Turns()
