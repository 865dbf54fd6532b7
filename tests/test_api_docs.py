"""docs/api.md is true: its examples are a day's work, done anew here, and no route is left out."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, resolve

TEXT = (Path(__file__).parents[1] / "docs" / "api.md").read_text()
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
ANY = "…"
"""Stands for a value that differs each time; as a list's last item, for all further ones."""

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
BLOCK = re.compile(r"^```http\n(.*?)^```$", re.DOTALL | re.MULTILINE)
ROW = re.compile(r"^\| `(\w+)` \| `(/[^`]+)` \| (.*) \| (.*) \|$", re.MULTILINE)


@dataclass(frozen=True)
class Message:
    """A request, or an answer: the first line, the headers and the body of a block."""

    line: str
    headers: dict[str, str]
    body: str

    @classmethod
    def parse(cls, block: str) -> "Message":
        head, _, body = block.rstrip("\n").partition("\n\n")
        line, *headers = head.split("\n")
        return cls(line, dict(header.split(": ", 1) for header in headers), body)

    @property
    def is_request(self) -> bool:
        return self.line.split()[0] in METHODS


@dataclass(frozen=True)
class Example:
    request: Message
    answer: Message

    @property
    def route(self) -> tuple[str, str]:
        method, address = self.request.line.split()
        return method, f"/{resolve(address.partition('?')[0]).route}"

    def ask(self, client: Client) -> Any:
        method, address = self.request.line.split()
        sent = dict(self.request.headers)
        content_type = sent.pop("Content-Type", "application/json")
        body = self.request.body
        if content_type.startswith("multipart"):
            body = body.replace("\n", "\r\n")
        return client.generic(method, address, body, content_type, headers=sent)


def examples() -> list[Example]:
    """Each request with the answer that follows it."""
    messages = [Message.parse(block) for block in BLOCK.findall(TEXT)]
    asked, answered = messages[::2], messages[1::2]
    assert all(message.is_request for message in asked)
    assert not any(message.is_request for message in answered)
    return [Example(*pair) for pair in zip(asked, answered, strict=True)]


def exact(text: str) -> Any:
    return json.loads(text, parse_float=Decimal)


def differences(told: Any, shown: Any, place: str = "") -> Iterator[str]:
    """Where an answer is not what the page shows."""
    if shown == ANY:
        return
    if isinstance(told, dict) and isinstance(shown, dict):
        if told.keys() != shown.keys():
            yield f"{place or 'the answer'} has the fields {sorted(told)}"
        for name in told.keys() & shown.keys():
            yield from differences(told[name], shown[name], f"{place}.{name}")
    elif isinstance(told, list) and isinstance(shown, list):
        if shown[-1:] == [ANY]:
            shown, told = shown[:-1], told[: len(shown) - 1]
        if len(told) != len(shown):
            yield f"{place} has {len(told)} items: {told}"
        for index, pair in enumerate(zip(told, shown, strict=False)):
            yield from differences(*pair, f"{place}[{index}]")
    elif (type(told), told) != (type(shown), shown):
        yield f"{place} is {told!r}, not {shown!r}"


def routes(
    patterns: list[URLPattern | URLResolver], prefix: str = "/"
) -> Iterator[tuple[str, str]]:
    """Every method of every route of the API."""
    for pattern in patterns:
        route = f"{prefix}{pattern.pattern}"
        if isinstance(pattern, URLResolver):
            yield from routes(pattern.url_patterns, route)
        elif route.startswith("/api/") or route == "/health":
            view = getattr(pattern.callback, "view_class", None)
            for method in view.api_endpoints if view else ["GET"]:
                yield method, route


ROUTES = sorted(routes(get_resolver().url_patterns))
EXAMPLES = examples()


class TestExamples:
    @pytest.mark.django_db
    def test_each_is_answered_as_the_page_shows(self, agent: Client) -> None:
        wrong: list[str] = []
        with time_machine.travel(NOON, tick=False):
            for example in EXAMPLES:
                wrong += [f"{example.request.line}: {fault}" for fault in faults(example, agent)]
        assert wrong == []

    @pytest.mark.parametrize("route", ROUTES, ids=" ".join)
    def test_each_route_has_one(self, route: tuple[str, str]) -> None:
        assert route in [example.route for example in EXAMPLES]

    def test_a_difference_is_seen(self) -> None:
        told = {"a": 1, "b": [1, 2], "c": {"d": "x"}}
        assert not list(differences(told, {"a": 1, "b": [1, ANY], "c": ANY}))
        for shown in ({"a": 1.0, "b": [1, 2], "c": ANY}, {"a": 1}, told | {"b": [1]}):
            assert list(differences(told, shown))


def faults(example: Example, client: Client) -> Iterator[str]:
    response = example.ask(client)
    status = int(example.answer.line.split()[0])
    if response.status_code != status:
        yield f"answers {response.status_code} {response.content!r}"
    for name, value in example.answer.headers.items():
        if response.headers[name] != value:
            yield f"the header {name} is {response.headers[name]}"
    if response.headers["Content-Type"] == "application/json":
        yield from differences(exact(response.content), exact(example.answer.body or "null"))


class TestTable:
    @pytest.mark.parametrize("route", ROUTES, ids=" ".join)
    def test_each_route_is_described(self, route: tuple[str, str]) -> None:
        described = {(method, path): words for method, path, _, words in ROW.findall(TEXT)}
        assert len(described[route]) > 10

    def test_none_is_described_that_is_not_there(self) -> None:
        assert {(method, path) for method, path, *_ in ROW.findall(TEXT)} <= set(ROUTES)
