"""A growing file as numbered lines, from any of them on. What they say is read elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from io import SEEK_SET
from typing import BinaryIO

LONGEST = 10_000_000  # bytes


@dataclass(frozen=True, slots=True)
class Place:
    """How far a file is read: so many bytes, which are so many lines."""

    offset: int = 0
    lines: int = 0


@dataclass(frozen=True, slots=True)
class Line:
    """A line, and the place behind it. `ended` tells whether a newline closes it.

    `goes_on` is set for the rest of a line that was read before its newline was written: it bears
    the same number. Of a line that is `too_long` only the beginning is kept.
    """

    place: Place
    text: bytes
    ended: bool
    too_long: bool
    goes_on: bool

    @property
    def number(self) -> int:
        """Counted from 1."""
        return self.place.lines


def lines(file: BinaryIO, begin: Place, end: int) -> Iterator[Line]:
    """The lines from `begin` on that lie in the first `end` bytes, in bounded memory."""
    goes_on = _within_a_line(file, begin)
    file.seek(begin.offset, SEEK_SET)
    place = begin
    while place.offset < end:
        text, size, ended = _next(file)
        if not size or place.offset + size > end:
            return  # cut off, or still growing, since its size was taken
        place = Place(place.offset + size, place.lines + (not goes_on))
        yield Line(place, text, ended, too_long=size > LONGEST, goes_on=goes_on)
        goes_on = False


def _within_a_line(file: BinaryIO, place: Place) -> bool:
    if not place.offset:
        return False
    file.seek(place.offset - 1, SEEK_SET)
    return file.read(1) != b"\n"


def _next(file: BinaryIO) -> tuple[bytes, int, bool]:
    """The beginning of the next line, its length in bytes, and whether it has an end."""
    text = more = file.readline(LONGEST + 1)
    size = len(text)
    while more and not more.endswith(b"\n"):
        more = file.readline(LONGEST)
        size += len(more)
    return text, size, more.endswith(b"\n")
