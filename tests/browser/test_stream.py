"""The pages follow the stream: over one connection a browser, through restarts, without storms."""

import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import uvicorn
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session as LoginSession
from django.utils import timezone
from playwright.sync_api import Browser, BrowserContext, Locator, Page, Route, expect

from monitor.models import ApiKey
from tasks.reporting import report
from tests.browser.looks import assert_accessible, assert_fits
from tests.conftest import Server

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PATIENT = 15_000  # ms; a client comes back after up to five seconds
WORK = "**/*fragment=work"
STREAM = "/api/stream/metrics"
HIDE = "Object.defineProperty(document, 'hidden', {{value: {}, configurable: true}})"
LOOK = "document.dispatchEvent(new Event('visibilitychange'))"
NETWORK = re.compile("Failed to load resource: net::ERR_")


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


def opened(page: Page, url: str, said: list[str]) -> Page:
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(url)
    expect(sign(page)).to_have_text("Live")
    return page


def sign(page: Page) -> Locator:
    return page.locator("[data-sign]")


def notice(page: Page) -> Locator:
    return page.get_by_text("No answer from the server").locator("visible=true")


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


class TestTabs:
    @pytest.fixture
    def headers(self) -> dict[str, str]:
        key = ApiKey(name="a program", can_write=True, created_at=timezone.now())
        secret = key.give_secret()
        key.save()
        return {"authorization": f"Bearer {secret}"}

    def test_what_a_program_posts_appears_in_both_over_one_stream(
        self, tabs: list[Page], place: Place, headers: dict[str, str], said: list[str]
    ) -> None:
        for page in tabs:
            page.evaluate("window.kept = true")
        posts = tabs[0].context.request
        fields = {"task_id": "posted", "status": "running", "description": "Do posted"}
        answer = posts.post(f"{place.url}/api/tasks", headers=headers, data=fields)
        assert answer.ok, answer.text()
        for page in tabs:
            expect(row(page, "Do posted")).to_be_visible()
        tokens = {"user_id": "a", "model": "claude-haiku-4-5", "input_tokens": 1_000_000}
        tokens |= {"output_tokens": 0}
        answer = posts.post(f"{place.url}/api/usage", headers=headers, data=tokens)
        assert answer.ok, answer.text()
        for page in tabs:
            expect(figure(page, "API Cost (24h)")).to_have_text("$1.00")
            assert page.evaluate("window.kept")
        assert place.streams == 1
        assert place.asked.count(STREAM) == 1
        assert said == []

    def test_an_open_dialog_a_page_and_the_errors_follow(
        self, signed_in: BrowserContext, tab: Page, site: str, said: list[str]
    ) -> None:
        task("one")
        row(tab, "Do one").click()
        dialog = tab.get_by_role("dialog")
        expect(dialog.get_by_role("heading", name="Do one")).to_be_visible()
        page = opened(signed_in.new_page(), f"{site}/tasks/one/", said)
        errors = opened(signed_in.new_page(), f"{site}/errors/", said)
        report(task_id="one", at=timezone.now(), status="failed", error="It broke")
        for place in (dialog, page, errors):
            expect(place.get_by_text("It broke").first).to_be_visible()

    def test_one_that_is_closed_leaves_the_stream_to_the_other(
        self, tabs: list[Page], place: Place
    ) -> None:
        tabs[0].close()
        task("one")
        expect(row(tabs[1], "Do one")).to_be_visible()
        assert place.asked.count(STREAM) == 1
        tabs[1].close()
        until(lambda: place.streams == 0)

    def test_a_hidden_one_asks_nothing_and_catches_up_once(
        self, tabs: list[Page], place: Place
    ) -> None:
        hidden, seen = tabs
        hide(hidden)
        asked = requests(hidden)
        for name in ("one", "two"):
            task(name)
            expect(row(seen, f"Do {name}")).to_be_visible()
        assert asked == []
        with hidden.expect_response(re.compile("fragment=work")):
            hide(hidden, False)
        expect(row(hidden, "Do two")).to_be_visible()
        expect(hidden.locator("[data-live].htmx-request")).to_have_count(0)
        assert len(asked) == len(set(asked)) == 4
        assert place.asked.count(STREAM) == 1

    def test_one_that_nobody_missed_anything_in_asks_nothing_on_its_return(self, tab: Page) -> None:
        hide(tab)
        asked = requests(tab)
        hide(tab, False)
        expect(sign(tab)).to_have_text("Live")
        assert asked == []

    def test_hidden_all_together_they_hold_no_stream(self, tabs: list[Page], place: Place) -> None:
        for page in tabs:
            hide(page)
        until(lambda: place.streams == 0)
        task("one")
        hide(tabs[0], False)
        expect(row(tabs[0], "Do one")).to_be_visible()
        expect(row(tabs[1], "Do one")).to_have_count(0)

    def test_one_that_is_left_and_returned_to_follows_again(
        self, tabs: list[Page], place: Place
    ) -> None:
        for page in tabs:
            page.evaluate("dispatchEvent(new PageTransitionEvent('pagehide', {persisted: true}))")
        until(lambda: place.streams == 0)
        for page in tabs:
            page.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', {persisted: true}))")
        task("one")
        for page in tabs:
            expect(row(page, "Do one")).to_be_visible()
        assert place.streams == 1


class TestRestart:
    def test_both_tabs_say_so_and_recover_by_themselves(
        self, tabs: list[Page], place: Place, said: list[str]
    ) -> None:
        place.stop()
        for page in tabs:
            expect(sign(page)).to_have_text("Reconnecting")
            expect(sign(page)).to_have_attribute("aria-live", "polite")
        place.asked.clear()
        place.start()
        for page in tabs:
            expect(sign(page)).to_have_text("Live", timeout=PATIENT)
            expect(notice(page)).to_have_count(0)
        task("later")
        for page in tabs:
            expect(row(page, "Do later")).to_be_visible()
        assert place.streams == 1
        assert place.asked.count(STREAM) == 1
        # Each part at most once for the restart, and for each of the commits after it.
        assert len([path for path in place.asked if path == "/"]) <= 2 * 4 * 3
        assert [text for text in said if not NETWORK.match(text)] == []

    def test_nobody_who_asks_meanwhile_sees_more_than_one_notice(
        self, tab: Page, place: Place
    ) -> None:
        place.stop()
        expect(sign(tab)).to_have_text("Reconnecting")
        tab.get_by_role("searchbox").fill("later")
        expect(notice(tab)).to_have_count(1)
        place.start()
        expect(sign(tab)).to_have_text("Live", timeout=PATIENT)
        expect(notice(tab)).to_have_count(0)

    def test_an_outage_is_borne_with_few_questions(
        self, signed_in: BrowserContext, place: Place, said: list[str]
    ) -> None:
        page = signed_in.new_page()
        page.clock.install()
        opened(page, place.url, said)
        place.stop()
        expect(sign(page)).to_have_text("Reconnecting")
        asked = requests(page)
        page.clock.run_for(60_000)
        expect(notice(page)).to_have_count(1)
        expect(sign(page)).to_have_text("Reconnecting")
        assert 4 <= len(asked) <= 4 * 4
        place.start()
        expect(sign(page)).to_have_text("Live", timeout=PATIENT)
        expect(notice(page)).to_have_count(0)


WORKERS = {
    "missing": "delete window.SharedWorker",
    "forbidden": "window.SharedWorker = class { constructor() { throw new Error('no') } }",
    "broken": """window.SharedWorker = class {
        port = {postMessage() {}};
        set onerror(told) { setTimeout(told) }
    }""",
}
DEAF = "window.SharedWorker = class { port = {postMessage() {}} }"


class TestWithoutAWorker:
    @pytest.mark.parametrize("script", WORKERS.values(), ids=WORKERS.keys())
    def test_a_page_follows_a_stream_of_its_own(
        self, quiet_page: Page, place: Place, said: list[str], script: str
    ) -> None:
        quiet_page.add_init_script(script)
        opened(quiet_page, place.url, said)
        task("one")
        expect(row(quiet_page, "Do one")).to_be_visible()
        assert place.streams == 1

    def test_one_that_does_not_answer_is_given_up(
        self, quiet_page: Page, place: Place, said: list[str]
    ) -> None:
        quiet_page.add_init_script(DEAF)
        quiet_page.clock.install()
        quiet_page.goto(place.url)
        quiet_page.clock.run_for(11_000)
        expect(sign(quiet_page)).to_have_text("Live")

    def test_a_hidden_page_holds_no_stream(
        self, quiet_page: Page, place: Place, said: list[str]
    ) -> None:
        quiet_page.add_init_script(WORKERS["missing"])
        opened(quiet_page, place.url, said)
        hide(quiet_page)
        until(lambda: place.streams == 0)
        task("one")
        hide(quiet_page, False)
        expect(row(quiet_page, "Do one")).to_be_visible()


class TestWithoutAStream:
    @pytest.fixture
    def polling(self, quiet_page: Page, site: str) -> Page:
        quiet_page.add_init_script("delete window.SharedWorker; delete window.EventSource")
        quiet_page.clock.install()
        quiet_page.goto(site)
        expect(sign(quiet_page)).to_have_text("Polling")
        return quiet_page

    def test_a_page_asks_every_five_seconds(self, polling: Page) -> None:
        task("one")
        polling.clock.run_for(5_000)
        expect(row(polling, "Do one")).to_be_visible()
        expect(sign(polling)).to_have_text("Polling")

    def test_a_hidden_one_asks_nothing_until_it_is_looked_at(self, polling: Page) -> None:
        expect(polling.locator("[data-live].htmx-request")).to_have_count(0)
        hide(polling)
        asked = requests(polling)
        task("one")
        polling.clock.run_for(60_000)
        assert asked == []
        hide(polling, False)
        expect(row(polling, "Do one")).to_be_visible()

    def test_a_stream_that_is_refused_is_sought_ever_more_rarely(
        self, signed_in: BrowserContext, site: str
    ) -> None:
        page = signed_in.new_page()
        page.add_init_script(WORKERS["missing"])
        page.clock.install()
        sought: list[Route] = []

        def refuse(route: Route) -> None:
            sought.append(route)
            route.fulfill(status=401)

        page.route(f"**{STREAM}*", refuse)
        page.goto(site)
        expect(sign(page)).to_have_text("Polling")
        for _ in range(60):
            page.clock.run_for(5_000)
            expect(page.locator("[data-live].htmx-request")).to_have_count(0)
        assert 5 < len(sought) < 25
        task("one")
        page.clock.run_for(5_000)
        expect(row(page, "Do one")).to_be_visible()


class TestSignedOut:
    def test_the_tabs_lead_to_the_sign_in_and_ask_no_more(
        self, tabs: list[Page], place: Place, said: list[str]
    ) -> None:
        place.asked.clear()
        LoginSession.objects.all().delete()
        for page in tabs:
            expect(page.get_by_role("heading", name="Sign in")).to_be_visible(timeout=PATIENT)
        assert place.asked.count(STREAM) <= 2
        assert len([path for path in place.asked if path == "/"]) <= 2 * 4 * 2
        until(lambda: place.streams == 0)

    def test_a_hidden_tab_seeks_nothing(self, tabs: list[Page], place: Place) -> None:
        hide(tabs[1])
        LoginSession.objects.all().delete()
        expect(tabs[0].get_by_role("heading", name="Sign in")).to_be_visible(timeout=PATIENT)
        place.asked.clear()
        tabs[0].reload()
        assert STREAM not in place.asked
        hide(tabs[1], False)
        expect(tabs[1].get_by_role("heading", name="Sign in")).to_be_visible(timeout=PATIENT)


class TestNews:
    @pytest.fixture
    def quiet(self, tab: Page) -> Page:
        """Nothing under way, as after the first questions."""
        expect(tab.locator("[data-live].htmx-request")).to_have_count(0)
        return tab

    def test_of_a_part_one_question_is_under_way_however_much_is_new(self, quiet: Page) -> None:
        held: list[Route] = []
        quiet.route(WORK, lambda route: held.append(route), times=1)
        asked = requests(quiet)
        for _ in range(10):
            quiet.evaluate("document.dispatchEvent(new Event('stream:news'))")
        task("one")
        expect(figure(quiet, "Total Tasks")).to_have_text("1")
        assert len(held) == len([url for url in asked if "fragment=work" in url]) == 1
        held[0].continue_()
        expect(row(quiet, "Do one")).to_be_visible()
        expect(quiet.locator("[data-live].htmx-request")).to_have_count(0)
        assert len([url for url in asked if "fragment=work" in url]) <= 3

    def test_what_came_while_a_part_was_replaced_is_not_lost(self, quiet: Page) -> None:
        """The answer under way is older than the second task, and it replaces the part."""
        late: list[Any] = []
        quiet.route(WORK, lambda route: late.append((route, route.fetch())), times=1)
        task("one")
        while not late:
            quiet.wait_for_timeout(20)
        task("two")
        expect(figure(quiet, "Total Tasks")).to_have_text("2")
        route, answer = late[0]
        route.fulfill(response=answer)
        expect(row(quiet, "Do two")).to_be_visible()


class TestSign:
    def test_without_script_there_is_none(
        self, browser: Browser, signed_in: BrowserContext, site: str
    ) -> None:
        state = signed_in.storage_state()
        context = browser.new_context(java_script_enabled=False, storage_state=state)
        page = context.new_page()
        page.goto(site)
        expect(page.get_by_role("button", name="admin")).to_be_visible()
        expect(sign(page)).to_be_hidden()
        context.close()

    def test_that_all_is_well_is_not_announced(self, tab: Page) -> None:
        expect(sign(tab)).to_have_attribute("aria-live", "off")

    @pytest.mark.parametrize("scheme", ["light", "dark"])
    def test_it_suits_everyone(self, tab: Page, scheme: Any) -> None:
        User.objects.update(username="somebody.with.a.long.name@example.org")
        tab.emulate_media(color_scheme=scheme)
        tab.reload()
        for state in ("live", "polling", "reconnecting"):
            expect(sign(tab)).to_be_visible()
            tab.evaluate(
                """state => {
                    const sign = document.querySelector("[data-sign]");
                    sign.dataset.sign = state;
                    sign.textContent = sign.getAttribute(`data-when-${state}`);
                }""",
                state,
            )
            assert_fits(tab, state, [1440, 320])
            assert_accessible(tab, state)
