"""The site at a port of its own, and pages that follow its stream."""

import socket
import threading
import time
from collections.abc import Callable
from typing import Any

import uvicorn
from django.utils import timezone
from playwright.sync_api import Locator, Page, expect

from tasks.reporting import report
from tests.conftest import Server

PATIENT = 15_000  # ms; a client comes back after up to five seconds
STREAM = "/api/stream/metrics"
HIDE = "Object.defineProperty(document, 'hidden', {{value: {}, configurable: true}})"
LOOK = "document.dispatchEvent(new Event('visibilitychange'))"


class Place:
    """The site at one port, which can be stopped and started again; it counts what it is asked."""

    def __init__(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.asked: list[str] = []

    def start(self) -> None:
        from monitor.asgi import Site  # not before the settings of the tests are in force

        self.served = Site()

        async def counted(scope: Any, receive: Any, send: Any) -> None:
            self.asked.append(scope["path"])
            await self.served(scope, receive, send)

        config = uvicorn.Config(
            counted, lifespan="off", log_level="warning", timeout_graceful_shutdown=1, ws="none"
        )
        self.server = Server(config, self.served.broadcaster)
        listener = socket.create_server(("127.0.0.1", self.port))
        run = {"sockets": [listener]}
        self.thread = threading.Thread(target=self.server.run, kwargs=run, daemon=True)
        self.thread.start()
        until(lambda: self.server.started)

    def stop(self) -> None:
        self.server.should_exit = True
        self.thread.join(10)

    @property
    def streams(self) -> int:
        return len(self.served.broadcaster)


def until(happened: Callable[[], bool], seconds: float = 10) -> None:
    """Wait for what a browser or a server does in its own time."""
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.01)


def opened(page: Page, url: str, said: list[str]) -> Page:
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(url)
    expect(sign(page)).to_have_text("Live")
    return page


def sign(page: Page) -> Locator:
    return page.locator("[data-sign]")


def row(page: Page, name: str) -> Locator:
    return page.locator("#work").get_by_role("link", name=name, exact=True)


def figure(page: Page, label: str) -> Locator:
    return page.locator(".stat", has=page.get_by_text(label, exact=True)).locator("dd")


def task(name: str) -> None:
    report(task_id=name, at=timezone.now(), status="running", description=f"Do {name}")


def hide(page: Page, hidden: bool = True) -> None:
    page.evaluate(HIDE.format("true" if hidden else "false"))
    page.evaluate(LOOK)


def requests(page: Page) -> list[str]:
    """The addresses that a page asks for from now on."""
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    return asked
