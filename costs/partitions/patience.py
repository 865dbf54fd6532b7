"""Locks that nobody shall wait long for: asked for briefly, and again after a pause."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from django.db import OperationalError, connection, transaction
from django.db.backends.utils import CursorWrapper

from costs.partitions.months import TABLE

Answer = TypeVar("Answer")

# All others queue behind whoever waits for a table, so that they wait for as long and no longer.
WAIT = "200ms"
PAUSE = 0.8  # seconds
TRIES = 60
HELD = ("55P03", "40P01")  # a lock was not to be had in time, or only by a deadlock


def alone(deed: Callable[[CursorWrapper], Answer]) -> Answer:
    """Do a deed while nobody else reads or writes the records.

    In one transaction, or a savepoint of the one that is open. Waits for who is at them, for about
    a minute, and keeps others waiting 0.2 seconds at a time. Raises OperationalError.
    """
    for left in reversed(range(TRIES)):
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(f"SET LOCAL lock_timeout = '{WAIT}'")
                cursor.execute(f"LOCK TABLE ONLY {TABLE} IN ACCESS EXCLUSIVE MODE")
                return deed(cursor)
        except OperationalError as fault:
            if not left or getattr(fault.__cause__, "sqlstate", "") not in HELD:
                raise
        time.sleep(PAUSE)
    raise AssertionError("the last try answers or raises")
