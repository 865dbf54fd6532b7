"""How much is deleted while others write: in batches, with room between them."""

from __future__ import annotations

import time
from collections.abc import Iterator

from django.db import connection

PAGES = 5_000  # given back to the disk after a batch, at the most: 20 MB
PAUSE = 0.002  # seconds between two batches: writers get in


def politely(batches: Iterator[int]) -> Iterator[int]:
    """The batches of a prune; after each one freed pages go to the disk, and others may write."""
    for deleted in batches:
        _give_back()
        yield deleted
        time.sleep(PAUSE)


def _give_back() -> None:
    """Return freed pages to the disk, which SQLite would keep in the file."""
    if connection.vendor == "sqlite" and not connection.in_atomic_block:
        # Not by execute(), which frees a single page. executescript commits what is open.
        connection.connection.executescript(f"PRAGMA incremental_vacuum({PAGES})")
