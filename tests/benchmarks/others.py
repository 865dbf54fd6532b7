"""Programs that use the ledger beside what is measured, each in a process of its own.

As a module, with the name of a deed, it does the deed in the database of the environment over and
over until its input ends, and prints as JSON the seconds of each, and how many were refused. With
a number of seconds after the name, each deed is in a transaction that stays open for so long.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import Event, Thread
from time import perf_counter, sleep

import django
from django.db import OperationalError, connection, transaction

from tests.benchmarks import place

PAUSE = 0.005  # seconds between two deeds
USER, MODEL = "100000001", "sonnet"


@dataclass(frozen=True)
class Told:
    """What one of them did: the seconds of each deed, and how many the database refused."""

    times: list[float]
    refused: int


def beside(name: str, programs: list[list[str]], deed: Callable[[], object]) -> list[Told]:
    """What `programs`, a name of a deed each, did in the database while `deed` was done."""
    connection.close()
    others = [_start(place.url(name), program) for program in programs]
    for other in others:
        assert other.stdout
        other.stdout.readline()
    deed()
    for other in others:
        assert other.stdin
        other.stdin.close()
    return [Told(**json.loads(_rest(other))) for other in others]


def _start(url: str, program: list[str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.benchmarks.others", *program],
        env=os.environ | {"DATABASE_URL": url},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )


def _rest(other: subprocess.Popen[bytes]) -> bytes:
    assert other.stdout
    told = other.stdout.read()
    other.wait()
    return told


def write() -> None:
    from costs.ledger import record_usage

    record_usage(user_id=USER, model=MODEL, input_tokens=900, output_tokens=90)


def write_bare() -> None:
    from django.utils import timezone

    from costs.ledger import INSERT, VALUES
    from costs.usage import Usage, prepare, stored_rows

    usage = Usage(user_id=USER, model=MODEL, input_tokens=900, output_tokens=90)
    with connection.cursor() as cursor:
        (values,) = stored_rows([prepare(usage, timezone.now())], cursor)
        cursor.execute(f"{INSERT} {VALUES}", values)


def read() -> None:
    from costs.windows import by_model

    now = datetime.now(UTC)
    by_model(now - timedelta(days=30), now)


DEEDS = {"write": write, "write_bare": write_bare, "read": read}


def main(name: str, held: str = "") -> None:
    django.setup()
    deed, ended = DEEDS[name], Event()
    deed()
    Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()
    print(flush=True)  # noqa: T201
    told = Told([], 0)
    while not ended.wait(0 if held else PAUSE):
        told = _told(told, deed, float(held or 0))
    json.dump({"times": told.times, "refused": told.refused}, sys.stdout)


def _told(told: Told, deed: Callable[[], None], held: float) -> Told:
    opened: AbstractContextManager[object] = transaction.atomic() if held else nullcontext()
    began = perf_counter()
    try:
        with opened:
            deed()
            sleep(held)
    except OperationalError:
        return Told(told.times, told.refused + 1)
    told.times.append(perf_counter() - began)
    return told


if __name__ == "__main__":
    main(*sys.argv[1:])
