"""Screenshots and documents of invented tasks, made here byte by byte."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

from monitor.demo.chance import Chance
from monitor.demo.month import Job

WIDTH, HEIGHT = 320, 200
HEAD = b"\x89PNG\r\n\x1a\n"
COLORS = bytes.fromhex("f6f7f9 20293a c9d1de 4467c4 2f9e6e d9a441 ffffff")
PAPER, BAR, LINE, ACCENTS, CARD = 0, 1, 2, (3, 4, 5), 6
NOTES = """# {description}

What was found out about **{thing}**:

- The code is in `{workspace}`, and has {count} tests.
- Nothing else depends on it.

| step | state |
|---|---|
| Read | done |
| Change | {state} |
"""


def files(job: Job) -> Iterator[tuple[str, bytes]]:
    """The names and contents of the files that a task has: for most of them none."""
    chance = Chance.of(job.id, "files")
    if chance.happens(0.12) or job.end == "running":
        yield f"{job.thing}-page.png", png(_screen(chance))
    if chance.happens(0.1) or job.end == "running":
        told = {"description": job.description, "thing": job.thing, "workspace": job.workspace}
        state = "done" if job.end == "completed" else "open"
        text = NOTES.format(**told, count=chance.randrange(4, 90), state=state)
        yield f"{job.thing}-notes.md", text.encode()


def png(rows: list[bytes]) -> bytes:
    """A picture of rows of palette numbers, one byte a pixel."""
    size = struct.pack(">IIBBBBB", len(rows[0]), len(rows), 8, 3, 0, 0, 0)
    pixels = zlib.compress(b"".join(b"\0" + row for row in rows), 9)
    chunks = ((b"IHDR", size), (b"PLTE", COLORS), (b"IDAT", pixels), (b"IEND", b""))
    return HEAD + b"".join(_chunk(kind, data) for kind, data in chunks)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _screen(chance: Chance) -> list[bytes]:
    """A page with a bar, lines of text, and a chart on a card."""
    page = [bytearray([PAPER]) * WIDTH for _ in range(HEIGHT)]
    _fill(page, (0, 0, WIDTH, 18), BAR)
    for top in range(34, HEIGHT - 20, 14):
        _fill(page, (14, top, 14 + chance.randrange(50, 130), top + 6), LINE)
    _fill(page, (160, 32, 306, 184), CARD)
    color = chance.choice(ACCENTS)
    for left in range(170, 296, 18):
        _fill(page, (left, chance.randrange(50, 160), left + 12, 176), color)
    return [bytes(row) for row in page]


def _fill(page: list[bytearray], box: tuple[int, int, int, int], color: int) -> None:
    left, top, right, bottom = box
    for row in page[top:bottom]:
        row[left:right] = bytes([color]) * (right - left)
