"""Programs that report to the API over real HTTP, and what they report."""

from __future__ import annotations

import http.client
import itertools
import json
import threading
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.utils import timezone

NANO = Decimal("1e-9")
CALLS_A_REPORT = 10

Address = tuple[str, int]


class Client:
    """One connection of a program to the API."""

    def __init__(self, at: Address, secret: str) -> None:
        self.connection = http.client.HTTPConnection(*at, timeout=30)
        self.headers = {
            "Authorization": f"Bearer {secret}",
            "Content-Type": "application/json",
        }

    def send(self, path: str, body: Any) -> tuple[int, Any]:
        self.connection.request("POST", path, json.dumps(body), self.headers)
        answer = self.connection.getresponse()
        return answer.status, json.loads(answer.read())


@dataclass
class Report:
    """One request, which may be repeated, and what it brings into the database."""

    path: str
    body: Any
    nanos: dict[str, int] = field(default_factory=dict)  # of the cost records, by key
    calls: list[str] = field(default_factory=list)
    tasks: list[str] = field(default_factory=list)


def usage(key: str, nano: int, **fields: Any) -> dict[str, Any]:
    """A request of so many nano-dollars; every other one is late, and so goes to the rollups."""
    late = timezone.now() - timedelta(hours=5 * (nano % 2))
    tokens = {"input_tokens": 1, "output_tokens": 1}
    told = {"user_id": "ann", "model": "haiku", "source_id": key, "timestamp": late.isoformat()}
    return told | tokens | {"cost": str(nano * NANO)} | fields


def singles(name: str) -> Iterator[Report]:
    for number in itertools.count(1):
        key = f"{name}-{number}"
        yield Report("/api/usage", usage(key, number), {key: number})


def batches(name: str) -> Iterator[Report]:
    for number in itertools.count():
        nanos = {f"{name}-{number}-{place}": number + place for place in range(20)}
        records = [usage(key, nano) for key, nano in nanos.items()]
        yield Report("/api/usage/batch", {"records": records}, nanos)


def calls(name: str) -> Iterator[Report]:
    for number in itertools.count():
        ids = [f"{name}-{number}-{place}" for place in range(CALLS_A_REPORT)]
        told = {"session_key": name, "tool_name": "Read", "at": timezone.now().isoformat()}
        events = [told | {"event": "tool_started", "tool_use_id": id_} for id_ in ids]
        yield Report("/api/tool-calls", {"events": events}, calls=ids)


def tasks(name: str) -> Iterator[Report]:
    for number in itertools.count():
        task_id = f"{name}-{number}"
        body = {"task_id": task_id, "description": "Sweep", "status": "running"}
        yield Report("/api/tasks", body, tasks=[task_id])


class Program:
    """Reports one thing after another; what was not acknowledged comes first the next time."""

    def __init__(self, secret: str, reports: Iterator[Report]) -> None:
        self.secret, self.reports = secret, reports
        self.next = next(reports)
        self.acknowledged: list[Report] = []
        self.fault = ""

    def run(self, at: Address, heard: threading.Semaphore) -> None:
        """Until the server is gone."""
        client = Client(at, self.secret)
        with closing(client.connection), suppress(OSError, http.client.HTTPException):
            while not self.fault:
                self.report(client)
                heard.release()

    def report(self, client: Client) -> None:
        status, answer = client.send(self.next.path, self.next.body)
        if status not in (200, 201) or answer.get("rejected"):
            self.fault = f"{status} {answer}"
            return
        self.acknowledged.append(self.next)
        self.next = next(self.reports)
