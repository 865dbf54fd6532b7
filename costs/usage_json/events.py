"""A JSON file as a stream of events, in bounded memory, with the place of a fault."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from itertools import chain
from math import inf
from typing import Any, BinaryIO

import ijson

from costs.usage_json.refusal import Refused

Event = tuple[str, Any]
Events = Iterator[Event]

CHUNK = 64 * 1024
LONGEST_VALUE = 16  # chunks: 1 MB without one finished value is no usage.json
DEEPEST = 32
MOST_FIELDS = 64  # of one object other than the top level
NESTED = ("start_map", "start_array")
BOM = b"\xef\xbb\xbf"
# The parser answers a whole number of thousands of digits with a SystemError, and an exponent
# of twenty with an ArithmeticError.
FAULTS = (ijson.JSONError, ValueError, ArithmeticError, SystemError)


class JsonStream:
    """The events of a file; `digest`, `size` and `had_bom` are those of what was read."""

    def __init__(self, file: BinaryIO) -> None:
        self.file = file
        self.digest = hashlib.sha256()
        self.size = 0
        self.had_bom = False

    def events(self) -> Events:
        """Raises Refused, with line and byte, where the file is not one whole JSON value."""
        return chain.from_iterable(self._batches())

    def _batches(self) -> Iterator[list[Event]]:
        found: list[Event] = ijson.sendable_list()
        parser = ijson.basic_parse_coro(found)
        silent = 0
        while chunk := self.file.read(CHUNK):
            self._send(parser, chunk)
            yield found
            silent = 0 if found else silent + 1
            if silent > LONGEST_VALUE:
                raise Refused(f"byte {self.size}: a value longer than 1 MB; not a usage.json")
            found.clear()
        self._close(parser)
        yield found

    def _send(self, parser: Any, chunk: bytes) -> None:
        bare = chunk
        if self.size == 0 and chunk.startswith(BOM):
            self.had_bom = True
            bare = chunk[len(BOM) :]
        try:
            parser.send(bare)
        except FAULTS as fault:
            raise Refused(self._describe(fault)) from None
        self.digest.update(chunk)
        self.size += len(chunk)

    def _close(self, parser: Any) -> None:
        if self.size == 0:
            raise Refused("the file is empty; a usage.json holds one JSON object")
        try:
            parser.close()
        except FAULTS:
            line = self._line(self.size)
            raise Refused(
                f"line {line}, byte {self.size}: the file ends in the middle, as after an"
                " interrupted save; import a whole copy of it"
            ) from None

    def _describe(self, fault: Exception) -> str:
        offset = self._fault_offset()
        cause = "a number out of all bounds"
        if isinstance(fault, ijson.JSONError):
            cause = str(fault).split("\n")[0].removeprefix("b'").split("\\n")[0].removesuffix(".")
        return f"line {self._line(offset)}, byte {offset}: {cause}; mend the file or import a copy"

    def _fault_offset(self) -> int:
        """Parse once more, the last chunk byte by byte, since the parser names no offset."""
        self.file.seek(0)
        parser = ijson.basic_parse_coro(ijson.sendable_list())
        good = self.file.read(len(BOM) if self.had_bom else 0)
        offset = len(good)
        try:
            while offset < self.size:
                offset += len(chunk := self.file.read(min(CHUNK, self.size - offset)))
                parser.send(chunk)
            while byte := self.file.read(1):
                parser.send(byte)
                offset += 1
        except FAULTS:
            pass
        return offset

    def _line(self, offset: int) -> int:
        self.file.seek(0)
        line, left = 1, offset
        while left > 0 and (chunk := self.file.read(min(CHUNK, left))):
            line += chunk.count(b"\n")
            left -= len(chunk)
        return line


def fields(events: Events, where: str, most: float = inf) -> Iterator[tuple[str, str, Any]]:
    """The (key, event, value) of a map whose start was just read."""
    seen: set[str] = set()
    for event, key in events:
        if event == "end_map":
            return
        if key in seen:
            raise _twice(where, key)
        if len(seen) == most:
            raise _too_many(where)
        seen.add(key)
        yield key, *next(events)


def flat(events: Events, where: str) -> dict[str, Any]:
    """A map whose start was just read, nested values replaced by {}: `fields` in one loop.

    Nine parts in ten of a file go through here.
    """
    plain: dict[str, Any] = {}
    for event, key in events:
        if event == "end_map":
            break
        if key in plain:
            raise _twice(where, key)
        if len(plain) == MOST_FIELDS:
            raise _too_many(where)
        event, value = next(events)
        plain[key] = scalar(events, event, value) if event in NESTED else value
    return plain


def _too_many(where: str) -> Refused:
    return Refused(f"{where}: more than {MOST_FIELDS} fields; not a usage.json")


def _twice(where: str, key: str) -> Refused:
    return Refused(f"{where}: the key {key[:80]!r} stands twice")


def scalar(events: Events, event: str, value: Any) -> Any:
    """The value, or an empty dict in place of a nested one, which is passed over."""
    if event not in NESTED:
        return value
    depth = 1
    while depth:
        event, _ = next(events)
        depth += event.startswith("start_") - event.startswith("end_")
        if depth > DEEPEST:
            raise Refused(f"values nested deeper than {DEEPEST}; not a usage.json")
    return {}
