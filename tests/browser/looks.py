"""What every page owes to whoever looks at it or has it read out."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

# Asked when the page has heard of its width, and has drawn its chart anew.
FITS = """new Promise((told) => requestAnimationFrame(
  () => told(document.documentElement.scrollWidth <= innerWidth)
))"""
# The rules of axe that ask for colours.
COLOURS = ["color-contrast", "link-in-text-block"]


def assert_accessible(
    page: Page,
    told: object = "",
    within: str | None = None,
    but: Iterable[str] = (),
    only: Iterable[str] = (),
) -> None:
    """Fail where axe finds a fault; `told` says of what.

    By all its rules except `but`, or by `only` some.
    """
    options: dict[str, Any] = {
        "resultTypes": ["violations"],
        "preload": False,  # it would copy imported sheets into the page, which the CSP refuses
        "rules": {rule: {"enabled": False} for rule in but},
    }
    if only:
        options["runOnly"] = [*only]
    results = Axe().run(page, within, options)
    assert results.violations_count == 0, (told, results.generate_report())


def assert_fits(page: Page, told: object = "", widths: Iterable[int] = ()) -> None:
    """Fail where the page can be scrolled sideways, as it is or in `widths`; `told` says which."""
    assert page.viewport_size
    for width in widths or [page.viewport_size["width"]]:
        page.set_viewport_size({**page.viewport_size, "width": width})
        assert page.evaluate(FITS), (told, width)
