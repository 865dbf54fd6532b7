"""Values kept in bounded memory: the one that was not used for the longest time goes first."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Generic, TypeVar

Value = TypeVar("Value")


class Cache(Generic[Value]):
    """Holds values whose weights, in characters, together stay within `room`."""

    def __init__(self, room: int, weight: Callable[[Value], int]) -> None:
        self.room, self.weight, self.held = room, weight, 0
        self._values: OrderedDict[Hashable, Value] = OrderedDict()
        self._lock = Lock()

    def get(self, key: Hashable, make: Callable[[], Value]) -> Value:
        """The value of `key`, made anew where it is not kept. What `make` raises is not kept."""
        with self._lock:
            if key in self._values:
                self._values.move_to_end(key)
                return self._values[key]
        value = make()
        with self._lock:
            self._put(key, value)
        return value

    def _put(self, key: Hashable, value: Value) -> None:
        if key in self._values:  # made by another thread meanwhile
            return
        self._values[key] = value
        self.held += self.weight(value)
        while self.held > self.room:
            _, gone = self._values.popitem(last=False)
            self.held -= self.weight(gone)
