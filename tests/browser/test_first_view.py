"""What the first view of the dashboard costs, and that a refresh without news changes nothing."""

import re
import socket
import sys
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
import uvicorn
from django.conf import settings
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client
from django.utils import timezone
from playwright.sync_api import BrowserContext, Page, expect
from pytest_django import Settings

from costs import ledger
from sessions.events import ToolEnded
from sessions.recording import record
from tasks.reporting import report
from tests.conftest import Server

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

KILOBYTE = 1_000
MODULES = Path(settings.BASE_DIR, "static/js")
PARTS = ("work", "tools", "costs", "stats")
ASK = "document.dispatchEvent(new Event('stream:news'))"  # what a page does when there is news
SLOW = {  # a phone on a slow line: 1.6 Mbit/s, 150 ms
    "offline": False,
    "latency": 150,
    "downloadThroughput": 1_600_000 / 8,
    "uploadThroughput": 750_000 / 8,
}
PAINT = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime"


def busy() -> None:
    """A full first page: twenty rows, tools, models and users."""
    now = timezone.now()
    tools = ("Bash", "Read", "Edit", "Grep", "Write", "Task", "WebFetch", "TodoWrite")
    for n in range(24):
        at, name = now - timedelta(minutes=n), f"{n:08x}"
        texts = {"description": f"Fix the parser of nested quotes, part {n}", "message": "Reading"}
        report(task_id=name, at=at, status="running", user_id=f"10000000{n % 6}", **texts)
        call = {"session_key": f"s{n}", "task_id": name, "agent": "claude-code"}
        record(
            ToolEnded(at=at, tool_use_id=str(k), tool_name=tool, success=k > 1, **call)
            for k, tool in enumerate(tools)
        )
        model = ("claude-opus-4-1", "claude-sonnet-4-5", "claude-haiku-4-5")[n % 3]
        ledger.record_usage(
            user_id=f"10000000{n % 6}", model=model, input_tokens=10_000, output_tokens=500
        )


class TestScripts:
    def test_all_together_stay_small(self) -> None:
        sizes = {file.name: file.stat().st_size for file in MODULES.glob("*.js")}
        assert sizes
        assert sum(sizes.values()) < 20_000, sizes

    def test_each_is_short(self) -> None:
        lengths = {file.name: len(file.read_text().splitlines()) for file in MODULES.glob("*.js")}
        assert {name: lines for name, lines in lengths.items() if lines >= 100} == {}


@pytest.fixture
def served(transactional_db: None, settings: Settings, tmp_path: Path) -> Iterator[str]:
    """The address of the site as people serve it, with its files hashed and compressed."""
    from monitor.asgi import Site  # not before the settings of the tests are in force

    stored = {"BACKEND": "servestatic.storage.CompressedManifestStaticFilesStorage"}
    settings.STORAGES = settings.STORAGES | {"staticfiles": stored}
    settings.STATIC_ROOT = tmp_path
    settings.SERVESTATIC_USE_FINDERS = False
    call_command("collectstatic", interactive=False, verbosity=0, ignore_patterns=["admin"])
    served = Site()
    config = uvicorn.Config(served, lifespan="off", log_level="warning", ws="none")
    server = Server(config, served.broadcaster)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        run = {"sockets": [listener]}
        thread = threading.Thread(target=server.run, kwargs=run, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        thread.join(5)


class TestFirstView:
    def test_it_weighs_little_and_paints_soon(
        self, served: str, context: BrowserContext, administrator: User, record_property: Any
    ) -> None:
        busy()
        client = Client()
        client.force_login(administrator)
        client.get("/")  # the first answer of a server takes longer than others
        cookie = client.cookies["sessionid"].value
        context.add_cookies([{"name": "sessionid", "value": cookie, "url": served}])
        page = context.new_page()
        refused: list[str] = []
        page.on("response", lambda answer: answer.ok or refused.append(answer.url))
        received: dict[str, float] = {}
        paint = first_paint(page, served, received)
        weight = sum(received.values())
        record_property("first_contentful_paint_ms", paint)
        record_property("bytes", weight)
        sys.stdout.write(f"\n{len(received)} answers, {weight:,.0f} bytes, {paint:.0f} ms\n")
        assert refused == []
        assert 30 * KILOBYTE < weight <= 100 * KILOBYTE
        assert paint < 3_000  # under 1,000 on a quiet machine


def first_paint(page: Page, url: str, received: dict[str, float]) -> float:
    """Milliseconds to the first content on a slow line; `received` takes the bytes of each answer,
    heads included."""
    wire = page.context.new_cdp_session(page)
    wire.send("Network.enable")
    wire.on(
        "Network.loadingFinished",
        lambda told: received.update({told["requestId"]: told["encodedDataLength"]}),
    )
    wire.send("Network.emulateNetworkConditions", SLOW)
    wire.send("Emulation.setCPUThrottlingRate", {"rate": 4})
    page.goto(url)
    expect(page.locator("[data-sign]")).to_have_text("Live", timeout=20_000)
    return float(page.evaluate(PAINT))


class TestRefresh:
    @pytest.fixture
    def minute(self) -> Iterator[None]:
        """Sixty seconds before the next minute makes all the parts anew."""
        with time_machine.travel(timezone.now().replace(second=0)):
            yield

    def ask(self, page: Page) -> None:
        """Make every part ask, and wait for what they are answered."""
        answered: list[str] = []
        page.on("requestfinished", lambda request: answered.append(request.url))
        page.evaluate(ASK)
        expect(page.locator("[data-live].htmx-request")).to_have_count(0)
        assert {part for part in PARTS if any(f"fragment={part}" in url for url in answered)} == {
            *PARTS
        }

    @pytest.mark.usefixtures("minute")
    @pytest.mark.parametrize("scheme", ["light", "dark"])
    def test_without_news_it_moves_no_pixel(self, quiet_page: Page, site: str, scheme: Any) -> None:
        busy()
        quiet_page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        quiet_page.goto(site)
        expect(quiet_page.locator("[data-sign]")).to_have_text("Live")
        link = quiet_page.locator("#work .what a").nth(4)
        link.focus()
        quiet_page.evaluate(
            "getSelection().selectAllChildren(document.querySelector('#costs table'))"
        )
        quiet_page.mouse.wheel(0, 180)
        quiet_page.wait_for_function("() => scrollY > 0")
        state = "[scrollY, getSelection().toString(), document.activeElement.href]"
        before, seen = quiet_page.evaluate(state), quiet_page.screenshot(caret="initial")
        assert before[1]
        self.ask(quiet_page)
        assert quiet_page.evaluate(state) == before
        assert quiet_page.screenshot(caret="initial") == seen

    @pytest.mark.usefixtures("minute")
    def test_an_open_detail_stays_open(self, quiet_page: Page, site: str) -> None:
        report(task_id="t", at=timezone.now(), status="running", description="One")
        record(
            [
                ToolEnded(
                    at=timezone.now(),
                    session_key="s",
                    task_id="t",
                    tool_use_id="1",
                    tool_name="Bash",
                    parameters={"command": "ls"},
                    success=True,
                )
            ]
        )
        quiet_page.goto(f"{site}/tasks/t/")
        quiet_page.locator("summary").first.click()
        seen = quiet_page.screenshot()
        with quiet_page.expect_response(re.compile("/tasks/t/")):
            quiet_page.evaluate(ASK)
        expect(quiet_page.locator("[data-live].htmx-request")).to_have_count(0)
        expect(quiet_page.locator("details[open]")).to_have_count(1)
        assert quiet_page.screenshot() == seen
