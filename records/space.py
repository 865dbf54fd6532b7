"""How much is deleted while others write: in batches, with room between them."""

from __future__ import annotations

import time
from collections.abc import Iterator

from django.db import connection

PAGES = 500  # given back to the disk in one step: 2 MB
PAUSE = 0.002  # seconds after a step, at the least
LONGEST = 0.2  # seconds, at the most


def politely(batches: Iterator[int]) -> Iterator[int]:
    """The batches of a prune; after each one freed pages go to the disk, and others may write."""
    for deleted in _in_turns(batches):
        for _ in _in_turns(_given_back()):
            pass
        yield deleted


def _in_turns(steps: Iterator[int]) -> Iterator[int]:
    """The steps, each followed by a pause; where it kept all others from writing, as long a one.

    Who waits for SQLite's lock looks for it now and then, and would miss a shorter pause.
    """
    began = time.monotonic()
    for step in steps:
        taken = time.monotonic() - began if connection.vendor == "sqlite" else 0
        time.sleep(min(max(taken, PAUSE), LONGEST))
        yield step
        began = time.monotonic()


def _given_back() -> Iterator[int]:
    """Return freed pages to the disk, which SQLite would keep in the file; their numbers."""
    if connection.vendor != "sqlite" or connection.in_atomic_block:
        return
    free = _free_pages()
    while free:
        # Not by execute(), which frees a single page. executescript commits what is open.
        connection.connection.executescript(f"PRAGMA incremental_vacuum({PAGES})")
        before, free = free, _free_pages()
        if free >= before:  # others free pages as fast, or the file was not made for it
            return
        yield before - free


def _free_pages() -> int:
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA freelist_count")
        count: int = cursor.fetchone()[0]
        return count
