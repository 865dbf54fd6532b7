"""Programs that speak to a server: they know nothing of it but its address and their key."""

from __future__ import annotations

import http.client
import json
import selectors
import socket
from dataclasses import dataclass
from multiprocessing import get_context
from time import perf_counter
from typing import Any


@dataclass(frozen=True)
class Server:
    address: tuple[str, int]
    secret: str

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.secret}", "Content-Type": "application/json"}

    def connect(self) -> http.client.HTTPConnection:
        connection = http.client.HTTPConnection(*self.address, timeout=60)
        connection.connect()
        connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection


def request(
    connection: http.client.HTTPConnection, server: Server, path: str, body: Any = None
) -> bytes:
    """Ask, and raise unless the answer is 200 or 201."""
    sent = None if body is None else json.dumps(body).encode()
    connection.request("GET" if body is None else "POST", path, sent, server.headers)
    response = connection.getresponse()
    answer = response.read()
    if response.status not in (200, 201):
        raise RuntimeError(f"{path} answered {response.status}: {answer.decode()[:300]}")
    return answer


def _send(server: Server, path: str, bodies: list[Any]) -> list[float]:
    """Send one body after the other; how long each took, in seconds."""
    connection, times = server.connect(), []
    for body in bodies:
        began = perf_counter()
        request(connection, server, path, body)
        times.append(perf_counter() - began)
    connection.close()
    return times


def load(server: Server, path: str, shares: list[list[Any]]) -> tuple[float, list[float]]:
    """Each share from a process of its own: seconds for all, and the seconds of every request."""
    with get_context("spawn").Pool(len(shares)) as clients:
        clients.starmap(_send, [(server, path, []) for _ in shares], chunksize=1)
        began = perf_counter()
        work = [(server, path, share) for share in shares]
        times = clients.starmap(_send, work, chunksize=1)
        return perf_counter() - began, [time for share in times for time in share]


class Listeners:
    """Many open streams in one thread; each hears only that there is news."""

    def __init__(self, server: Server, count: int) -> None:
        self._selector = selectors.DefaultSelector()
        line = f"GET /api/stream/metrics?only=news HTTP/1.1\r\nHost: {server.address[0]}\r\n"
        head = f"{line}Authorization: Bearer {server.secret}\r\n\r\n".encode()
        for _ in range(count):
            client = socket.create_connection(server.address)
            client.sendall(head)
            self._selector.register(client, selectors.EVENT_READ)
        self.count = count

    def hear(self, patience: float = 30) -> float:
        """The time at which the last of them had heard of news."""
        waiting = set(self._selector.get_map())
        end = perf_counter() + patience
        while waiting and perf_counter() < end:
            for key, _ in self._selector.select(0.1):
                if b"event: news" in key.fileobj.recv(65536):  # type: ignore[union-attr]
                    waiting.discard(key.fd)
        if waiting:
            raise SystemExit(f"{len(waiting)} of {self.count} streams heard nothing")
        return perf_counter()

    def quiet(self) -> None:
        """Read what came until nothing has come for two seconds."""
        while ready := self._selector.select(2):
            for key, _ in ready:
                key.fileobj.recv(65536)  # type: ignore[union-attr]

    def close(self) -> None:
        for key in list(self._selector.get_map().values()):
            key.fileobj.close()  # type: ignore[union-attr]
        self._selector.close()
