from collections.abc import Iterator

import pytest
from playwright.sync_api import BrowserContext, Page

from tests.browser.stream.cast import Place, opened


@pytest.fixture
def place(transactional_db: None) -> Iterator[Place]:
    place = Place()
    place.start()
    yield place
    place.stop()


@pytest.fixture
def site(place: Place) -> str:
    return place.url


@pytest.fixture
def said() -> list[str]:
    """What pages said on their consoles."""
    return []


@pytest.fixture
def tabs(signed_in: BrowserContext, site: str, said: list[str]) -> list[Page]:
    """Two tabs of one browser, both live."""
    return [opened(signed_in.new_page(), site, said) for _ in range(2)]


@pytest.fixture
def tab(tabs: list[Page]) -> Page:
    return tabs[0]
