"""Requests answered by the handler itself, with a server that the test plays."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.core.signals import request_finished, request_started
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import path

from monitor.handler import ThreadedHandler
from tasks.models import Task

SEEN: list[Any] = []


def plain(request: HttpRequest) -> HttpResponse:
    SEEN.append(threading.current_thread().name)
    response = HttpResponse(f"{request.method} {request.body.decode()}")
    response.set_cookie("kind", "oat")
    return response


def streamed(request: HttpRequest) -> StreamingHttpResponse:
    def parts() -> Iterator[str]:
        for number in range(3):
            SEEN.append(f"made {number}")
            yield f"{number},{Task.objects.count()} "

    return StreamingHttpResponse(parts(), content_type="text/plain")


def broken(request: HttpRequest) -> HttpResponse:
    raise KeyError("secret")


urlpatterns = [path("plain", plain), path("streamed", streamed), path("broken", broken)]
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.urls(__name__)]


@pytest.fixture(autouse=True)
def bare(settings: Any) -> Iterator[None]:
    settings.MIDDLEWARE = ["monitor.middleware.HtmxAnswers"]
    settings.MIDDLEWARE.insert(0, "django_htmx.middleware.HtmxMiddleware")
    SEEN.clear()
    yield
    SEEN.clear()


def answer(url: str, body: bytes = b"", told: Callable[[Any], None] = lambda event: None) -> Any:
    """The status, headers and body that the handler sends; `told` hears of each event."""
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(event: Any) -> None:
        told(event)
        sent.append(event)

    headers = [(b"host", b"localhost")]
    scope = {"type": "http", "method": "POST", "path": url, "query_string": b"", "headers": headers}
    asyncio.run(ThreadedHandler()(scope, receive, send))
    start, *rest = sent
    assert [event["more_body"] for event in rest] == [True] * (len(rest) - 1) + [False]
    return start["status"], start["headers"], b"".join(event["body"] for event in rest)


class TestPlain:
    def test_it_is_answered_by_a_thread_of_the_pool(self) -> None:
        status, headers, body = answer("/plain", b"hay")
        assert (status, body) == (200, b"POST hay")
        assert (b"Set-Cookie", b"kind=oat; Path=/") in headers
        assert SEEN[0].startswith("request_")

    def test_a_fault_is_a_page_without_details(self, caplog: pytest.LogCaptureFixture) -> None:
        status, _, body = answer("/broken")
        assert status == 500
        assert b"secret" not in body

    def test_who_leaves_while_sending_is_not_answered(self) -> None:
        async def receive() -> Any:
            return {"type": "http.disconnect"}

        async def send(event: Any) -> None:
            raise AssertionError("nobody is there")

        asyncio.run(ThreadedHandler()({"type": "http"}, receive, send))


class TestStreamed:
    def test_each_part_is_made_when_the_one_before_is_sent(self) -> None:
        def told(event: Any) -> None:
            SEEN.append(f"sent {event.get('body', b'').decode()}".strip())

        status, _, body = answer("/streamed", told=told)
        assert (status, body) == (200, b"0,0 1,0 2,0 ")
        assert [
            *("sent", "made 0", "sent 0,0", "made 1", "sent 1,0", "made 2", "sent 2,0", "sent")
        ] == SEEN

    def test_its_reader_may_leave_in_between(self) -> None:
        def told(event: Any) -> None:
            if event.get("body"):
                raise ConnectionError

        with pytest.raises(ConnectionError):
            answer("/streamed", told=told)
        assert SEEN == ["made 0"]


class TestSignals:
    def test_the_thread_that_answers_is_told_of_begin_and_end(self) -> None:
        """By these Django opens and closes the connections of a thread."""

        def note(sender: Any, **facts: Any) -> None:
            SEEN.append(threading.current_thread().name[:8])

        for signal in (request_started, request_finished):
            signal.connect(note)
        try:
            answer("/plain")
        finally:
            for signal in (request_started, request_finished):
                signal.disconnect(note)
        begun, answered, ended = SEEN
        assert begun == answered[:8] == ended == "request_"
