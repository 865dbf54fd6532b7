"""Pictures of the pages, light and dark, always the same: python -m tests.screenshots [FOLDER].

Serves demo data of a fixed seed and hour from a folder of its own, and looks at it in Chromium.
"""

from __future__ import annotations

import os
import secrets
import socket
import struct
import sys
import tempfile
import threading
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import django
import time_machine
import uvicorn
from playwright.sync_api import Browser, Error, sync_playwright

NOW = datetime(2026, 11, 18, 15, 20, 30, tzinfo=UTC)  # a Wednesday afternoon
SIZE = {"width": 1440, "height": 1000}
MOST = 250_000  # bytes of a picture
FOLDER = Path(__file__).parents[1] / "docs/images"
PAGES = {"dashboard": "/?show=all", "spend": "/costs/?range=30d", "tools": "/tools/?range=30d"}


def main(folder: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="agent-monitor-pictures-") as data:
        os.environ |= {"DATA_DIR": data, "DJANGO_SETTINGS_MODULE": "monitor.settings"}
        os.environ |= {"DATABASE_URL": f"sqlite:///{data}/monitor.db", "SECRET_KEY": "pictures"}
        django.setup()
        with time_machine.travel(NOW, tick=True):
            cookie, pages = prepared()
            with served() as site:
                draw(site, cookie, pages, folder)


def prepared() -> tuple[str, dict[str, str]]:
    """Load the demo data; the session of somebody who sees all there is, and what to look at."""
    from django.contrib.auth.models import User
    from django.core.management import call_command
    from django.db import connection
    from django.test import Client

    from costs import ledger
    from monitor.demo import marks

    call_command("migrate", verbosity=0)
    call_command("collectstatic", verbosity=0, interactive=False)
    call_command("load_demo_data", seed=1, days=60)  # so that a month has one before it
    ledger.seal()
    client = Client()
    client.force_login(User.objects.create_superuser("admin", password=secrets.token_hex()))
    task = marks.tasks().filter(status="running").order_by("id")[0]
    connection.close()
    return client.cookies["sessionid"].value, PAGES | {"task": f"/tasks/{task.pk}/"}


@contextmanager
def served() -> Iterator[str]:
    """The address of the site, served by a thread."""
    from monitor.asgi import application
    from monitor.management.commands.serve import Server

    config = uvicorn.Config(application, lifespan="off", log_level="warning")
    server = Server(config, application.broadcaster)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.01)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        thread.join(10)


def draw(site: str, cookie: str, pages: dict[str, str], folder: Path) -> None:
    from tests.conftest import CHROMIUM, CHROMIUM_FLAGS

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_FLAGS.split())
        for scheme, ending in {"light": "", "dark": "-dark"}.items():
            for name, address in pages.items():
                path = folder / f"{name}{ending}.png"
                path.write_bytes(smaller(picture(browser, site, cookie, address, scheme)))
                told = path.stat().st_size
                sys.stdout.write(f"{path} has {told:,} bytes\n")
                if told > MOST:
                    sys.exit(f"{path} is larger than {MOST:,} bytes.")


def picture(browser: Browser, site: str, cookie: str, address: str, scheme: str) -> bytes:
    """The page once it follows the stream."""
    context = browser.new_context(
        viewport=SIZE, color_scheme=scheme, reduced_motion="reduce", timezone_id="UTC"
    )
    context.add_cookies([{"name": "sessionid", "value": cookie, "url": site}])
    context.clock.install(time=NOW)
    page = context.new_page()
    answer = page.goto(site + address)
    if not (answer and answer.ok):
        raise OSError(f"{address} is not answered well")
    page.get_by_text("Live", exact=True).wait_for()
    page.evaluate("document.fonts.ready")
    content = page.screenshot(animations="disabled", caret="hide")
    context.close()
    return content


def smaller(png: bytes) -> bytes:
    """The same picture, its pixels packed as tightly as can be; a browser packs them quickly."""
    place, chunks, pixels = 8, [], b""
    while place < len(png):
        (size,) = struct.unpack(">I", png[place : place + 4])
        kind, data = png[place + 4 : place + 8], png[place + 8 : place + 8 + size]
        pixels += data if kind == b"IDAT" else b""
        chunks += [] if kind == b"IDAT" else [(kind, data)]
        place += size + 12
    packed = (b"IDAT", zlib.compress(zlib.decompress(pixels), 9))
    return png[:8] + b"".join(map(chunk, [*chunks[:-1], packed, chunks[-1]]))


def chunk(part: tuple[bytes, bytes]) -> bytes:
    kind, data = part
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
    except (Error, OSError) as fault:
        sys.exit(f"No pictures: {' '.join(str(fault).split())}")
