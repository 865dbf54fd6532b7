"""Every page in light and dark, on a phone, a tablet and a desk: sound, quiet, and worked by key.

Where SCREENSHOTS names a folder, a screenshot of each is kept there.
"""

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.urls import reverse
from playwright.sync_api import BrowserContext, Page, expect

from costs import limits
from costs.models import SpendingLimit
from tasks.models import Attachment, Task
from tests.browser.cast import everything
from tests.browser.looks import COLOURS, assert_accessible, assert_fits
from tests.browser.test_dashboard import busy_day
from tests.browser.test_errors import bad_day
from tests.monitor.cast import PNG

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

# A name for the screenshot, and the address.
PAGES: dict[str, str | Callable[[], str]] = {
    "dashboard": "/?show=all",
    "dashboard-nothing-found": "/?q=nothing-like-it",
    "spend": "/costs/",
    "tools": "/tools/",
    "errors": "/errors/",
    "error-group": "/errors/?group=tasks:",
    "documents": "/docs/",
    "document": "/docs/guide.md",
    "task": "/tasks/failed/",
    "task-asks": "/tasks/running/?action=stop",
    "session": "/sessions/of-running/",
    "screenshot": lambda: f"/attachments/{Attachment.objects.get(name='shot.png').pk}/view/",
    "reference": "/reference/",
    "gallery": "/gallery/",
    "password": "/password/",
    "not-found": "/nowhere/",
    "bad-request": "/?range=bad",
    "administration": "/admin/",
    "administration-list": "/admin/costs/costrecord/",
    "administration-form": lambda: reverse(
        "admin:costs_spendinglimit_change", args=[SpendingLimit.objects.get().pk]
    ),
}
STRANGERS = {"sign-in": "/login/", "sign-in-of-staff": "/admin/login/"}
SIZES = {375: 800, 768: 1024, 1440: 900}
# Where axe looks, and by which of its rules: a tablet shows what a phone or a desk does; what is
# wrong in the dark alone is a matter of colours, which no size changes, and which take it long.
RULES: dict[tuple[str, int], dict[str, list[str]]] = {
    ("light", 375): {"but": COLOURS},
    ("light", 1440): {},
    ("dark", 1440): {"only": COLOURS},
}
# Django's own form labels its search by a picture, whose text axe does not take for a label.
EXCEPT = {"administration-list": ["label-title-only"]}
EXPECTED = re.compile("the server responded with a status of 40[04]")

# What a key can reach: not what is hidden, nor what lies in a menu or a fold that is closed.
CONTROLS = """() => [...document.querySelectorAll(
    'a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex="0"]'
)].filter((item) => !item.disabled && item.checkVisibility({visibilityProperty: true})
    && item.tabIndex >= 0)"""
WATCH = "document.addEventListener('focusin', ({ target }) => { target.dataset.reached = 'yes'; })"
MISSED = f"""() => ({CONTROLS})().filter((item) => !item.dataset.reached)
    .map((item) => item.outerHTML.slice(0, 120))"""
# What acts without being an element that a key works by itself.
MUTE = """() => [...document.querySelectorAll('[hx-get], [hx-post], [onclick], [role=button]')]
    .filter((item) => !item.matches('a[href], button, form, input, select, [data-live]'))
    .map((item) => item.outerHTML.slice(0, 120))"""


def keep(page: Page, name: str) -> None:
    if folder := os.environ.get("SCREENSHOTS"):
        page.screenshot(path=Path(folder, f"{name}.png"), full_page=True)


@pytest.fixture
def world(transactional_db: None) -> None:
    """Something of every kind, texts that do not mean well among it."""
    everything()
    busy_day()
    bad_day()
    Task.objects.get(id="failed").attach("shot.png", PNG)
    limits.set_user_limits("100000001", daily=2, monthly=None)


@pytest.fixture
def heard() -> list[str]:
    return []


def listening(context: BrowserContext, heard: list[str]) -> Page:
    """A page that writes down what it says on the console, breaks of the policy included."""
    page = context.new_page()
    page.on("console", lambda message: heard.append(f"{page.url}: {message.text}"))
    page.on("pageerror", lambda error: heard.append(f"{page.url}: {error}"))
    page.add_init_script(
        "addEventListener('securitypolicyviolation', e => console.error(e.violatedDirective))"
    )
    return page


def address(path: str | Callable[[], str]) -> str:
    return path if isinstance(path, str) else path()


def settle(page: Page) -> None:
    """Wait until the page follows the stream, where it does."""
    sign = page.locator("[data-sign]")
    if sign.count() and page.locator("script[src*='stream']").count():
        expect(sign).to_have_text("Live")


def look(page: Page, name: str, scheme: str) -> None:
    """The same page on each screen."""
    for width, height in SIZES.items():
        page.set_viewport_size({"width": width, "height": height})
        keep(page, f"{name}-{scheme}-{width}")
        told = f"{name}, {scheme}, {width}"
        assert_fits(page, told)
        if (rules := RULES.get((scheme, width))) is not None:
            but = [*EXCEPT.get(name, []), *rules.get("but", [])]
            assert_accessible(page, told, but=but, only=rules.get("only", []))
    assert page.evaluate(MUTE) == [], name


@pytest.mark.usefixtures("world")
@pytest.mark.parametrize("scheme", ["light", "dark"])
class TestLook:
    def test_every_page_is_sound(
        self, signed_in: BrowserContext, heard: list[str], site: str, scheme: Any
    ) -> None:
        page = listening(signed_in, heard)
        page.emulate_media(color_scheme=scheme)
        for name, path in PAGES.items():
            page.goto(site + address(path))
            settle(page)
            look(page, name, scheme)
        assert [text for text in heard if not EXPECTED.search(text)] == []

    def test_so_are_those_before_one_signs_in(
        self, context: BrowserContext, heard: list[str], site: str, scheme: Any
    ) -> None:
        page = listening(context, heard)
        page.emulate_media(color_scheme=scheme)
        for name, path in STRANGERS.items():
            page.goto(site + address(path))
            look(page, name, scheme)
        assert heard == []


@pytest.mark.usefixtures("world")
class TestKeyboard:
    def test_the_tab_key_reaches_every_control(self, signed_in: BrowserContext, site: str) -> None:
        page = signed_in.new_page()
        for name, path in PAGES.items():
            page.goto(site + address(path))
            settle(page)
            controls = len(page.evaluate(f"({CONTROLS})().map((item) => item.tagName)"))
            page.evaluate(WATCH)
            for _ in range(controls + 40):  # scrolling boxes and parts of controls are stops too
                page.keyboard.press("Tab")
            assert controls > 5, name
            assert page.evaluate(MISSED) == [], name
