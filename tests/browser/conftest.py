from collections.abc import Iterator

import pytest
from django.contrib.auth.models import User
from django.test import Client
from playwright.sync_api import BrowserContext, Page

from tests.conftest import PASSWORD


@pytest.fixture
def administrator(transactional_db: None) -> User:
    return User.objects.create_superuser("admin", password=PASSWORD)


@pytest.fixture
def signed_in(context: BrowserContext, site: str, administrator: User) -> BrowserContext:
    """The browser with the session of somebody who sees all there is."""
    client = Client()
    client.force_login(administrator)
    cookie = client.cookies["sessionid"].value
    context.add_cookies([{"name": "sessionid", "value": cookie, "url": site}])
    return context


@pytest.fixture
def quiet_page(signed_in: BrowserContext) -> Iterator[Page]:
    """A page that must say nothing on the console, break no policy and raise no error."""
    said: list[str] = []
    page = signed_in.new_page()
    page.on("console", lambda message: said.append(f"{message.type}: {message.text}"))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.add_init_script(
        "addEventListener('securitypolicyviolation', e => console.error(e.violatedDirective))"
    )
    yield page
    assert said == []
