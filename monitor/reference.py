"""The reference of the API for people, made of its OpenAPI document."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from monitor.json_schema import Field, Schemas, Table

METHODS = ("get", "post", "put", "patch", "delete")
JSON, FORM = "application/json", "multipart/form-data"


@dataclass(frozen=True)
class Answer:
    """What a route answers under one status; refusals have no tables, as they all look alike."""

    status: int
    description: str
    content_type: str = ""
    headers: tuple[Field, ...] = ()
    tables: tuple[Table, ...] = ()

    @property
    def phrase(self) -> str:
        return HTTPStatus(self.status).phrase


@dataclass(frozen=True)
class Parameter:
    """A value in the address or in a header; `place` is path, query or header."""

    place: str
    field: Field


@dataclass(frozen=True)
class Body:
    """What is sent with a request."""

    content_type: str
    description: str
    tables: tuple[Table, ...]


@dataclass(frozen=True)
class Operation:
    """One method of one route. `curl` is a request that can be pasted."""

    method: str
    path: str
    anchor: str
    summary: str
    description: str
    parameters: tuple[Parameter, ...]
    body: Body | None
    answers: tuple[Answer, ...]
    refusals: tuple[Answer, ...]
    curl: str


@dataclass(frozen=True)
class Group:
    """Operations that belong together."""

    name: str
    anchor: str
    description: str
    operations: tuple[Operation, ...]


@dataclass(frozen=True)
class Reference:
    """Everything there is to say of the API."""

    title: str
    version: str
    description: str
    groups: tuple[Group, ...]


def reference(document: Mapping[str, Any], site: str) -> Reference:
    """What a whole OpenAPI document says. `site` is the address in the examples, as https://host.

    Groups stand in the order of the document's tags, operations in that of its paths. Those
    without a tag come last, as Others.
    """
    reader = _Reader(document, site)
    groups = [
        Group(tag["name"], _anchor(tag["name"]), tag.get("description", ""), tuple(operations))
        for tag in [*document.get("tags", []), {"name": "Others"}]
        if (operations := list(reader.operations(tag["name"])))
    ]
    info = document["info"]
    return Reference(info["title"], info["version"], info.get("description", ""), tuple(groups))


class _Reader:
    """Reads one document, in which operations and schemas refer to each other."""

    def __init__(self, document: Mapping[str, Any], site: str) -> None:
        self.document, self.site = document, site
        self.schemas = Schemas(document.get("components", {}).get("schemas", {}))

    def operations(self, tag: str) -> Iterator[Operation]:
        for path, item in self.document["paths"].items():
            for method in METHODS:
                if method in item and tag in (item[method].get("tags") or ["Others"])[:1]:
                    yield self.operation(method, path, item[method])

    def operation(self, method: str, path: str, said: Mapping[str, Any]) -> Operation:
        content = said.get("requestBody", {}).get("content", {})
        answers = [self.answer(status, told) for status, told in said["responses"].items()]
        answers.sort(key=lambda answer: answer.status)
        return Operation(
            method.upper(),
            path,
            _anchor(f"{method} {path.removeprefix('/api')}"),
            said.get("summary", ""),
            said.get("description", ""),
            tuple(map(self.parameter, said.get("parameters", []))),
            self.body(said["requestBody"]) if content else None,
            tuple(answer for answer in answers if answer.status < HTTPStatus.BAD_REQUEST),
            tuple(answer for answer in answers if answer.status >= HTTPStatus.BAD_REQUEST),
            self.curl(method, path, said),
        )

    def parameter(self, said: Mapping[str, Any]) -> Parameter:
        needed = said.get("required", False)
        field = self.schemas.field(said["name"], _described(said), is_required=needed)
        return Parameter(said["in"], field)

    def body(self, said: Mapping[str, Any]) -> Body:
        content_type, media = next(iter(said["content"].items()))
        tables = self.schemas.tables(media.get("schema", {}))
        return Body(content_type, said.get("description", ""), tables)

    def answer(self, status: str, said: Mapping[str, Any]) -> Answer:
        content: Mapping[str, Any] = said.get("content") or {"": {}}
        content_type, media = next(iter(content.items()))
        schema = media.get("schema", {})
        headers = tuple(
            self.schemas.field(name, _described(header))
            for name, header in said.get("headers", {}).items()
        )
        is_plain = schema.get("$ref", "").endswith("/Problem") or content_type != JSON
        tables = () if is_plain else self.schemas.tables(schema)
        return Answer(int(status), said["description"], content_type, headers, tables)

    def curl(self, method: str, path: str, said: Mapping[str, Any]) -> str:
        """A request with all that is required and nothing else."""
        parts = [f"curl {shlex.quote(self.site + self.address(path, said))}"]
        parts.append('-H "Authorization: Bearer $KEY"')
        content = said.get("requestBody", {}).get("content", {})
        if method not in ("get", "post") or (method == "post" and not content):
            parts.insert(1, f"-X {method.upper()}")
        if JSON in content:
            sample = content[JSON].get("example") or self.schemas.sample(content[JSON]["schema"])
            parts.append(f"-H 'Content-Type: {JSON}'")
            parts.append(f"-d {shlex.quote(json.dumps(sample, ensure_ascii=False))}")
        elif FORM in content:
            parts += self.form(content[FORM]["schema"])
        if "text/event-stream" in said["responses"].get("200", {}).get("content", {}):
            parts[0] = parts[0].replace("curl", "curl -N", 1)
        return " \\\n  ".join(parts)

    def address(self, path: str, said: Mapping[str, Any]) -> str:
        """The path and the required part of the query, with samples for all names."""
        given = {
            (parameter["in"], parameter["name"]): str(
                self.schemas.sample(parameter.get("schema", {}), parameter["name"])
            )
            for parameter in said.get("parameters", [])
            if parameter.get("required")
        }
        filled = re.sub(r"{(\w+)}", lambda name: quote(given.get(("path", name[1]), name[1])), path)
        query = "&".join(
            f"{name}={quote(value)}" for (place, name), value in given.items() if place == "query"
        )
        return f"{filled}?{query}" if query else filled

    def form(self, schema: Mapping[str, Any]) -> Iterator[str]:
        for name, value in self.schemas.sample(schema).items():
            is_file = value == "file" or name == "file"
            yield f"-F {shlex.quote(f'{name}=@screenshot.png' if is_file else f'{name}={value}')}"


def _described(said: Mapping[str, Any]) -> dict[str, Any]:
    """The schema of a parameter or header, with what is said of it where it says nothing itself."""
    return {"description": said.get("description", ""), **said.get("schema", {})}


def _anchor(text: str) -> str:
    return re.sub(r"\W+", "-", text.lower()).strip("-")
