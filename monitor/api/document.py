"""What /api/openapi.json says of the API as a whole, and of every route alike."""

from __future__ import annotations

import inspect
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from dmr.openapi import OpenAPIConfig, build_schema
from dmr.openapi.objects import Components, SecurityScheme, Tag
from dmr.routing import Router

# Of the interface: a client written for it goes on to work.
VERSION = "1"

DESCRIPTION = """\
Agents and bots report what they do and what it costs; programs read the same figures that the
dashboard shows.

A program sends `Authorization: Bearer` and the secret of an API key, as `manage.py create_api_key`
makes them: the scope `read` is for GET, `write` for all other methods. A signed-in person may use
the API too, with the CSRF token in `X-CSRFToken` for methods that write, and with the permissions
that the admin gives.

Bodies are JSON in UTF-8, at most 12 MiB, and may be compressed with `Content-Encoding: gzip`. A
field that is misspelt is refused, not ignored. A refusal has a 4xx status and says under `error`
what is wrong, where, and what to do; a method that a route does not have is 405. Nothing of a
refused request is stored, and what is acknowledged is committed. 503 comes with `Retry-After`:
wait so many seconds and send the same again. 500 is a fault of the server, which its log tells.

Times are ISO 8601 with a zone; answers are in UTC. Money is US dollars as exact JSON numbers with
up to nine decimals: read them as decimals, not as floats. Durations are milliseconds where no
other unit is named.

Lists are cut into pages: `page` from 1, `page_size` up to 100. Recording is idempotent: the same
event, the same key of a request to a model and the same call of a tool count once, however often
they are sent."""

TAGS = {
    "Usage and limits": "What requests to models cost, and what users may spend.",
    "Tasks": "The tasks that agents work on: their states, logs and attachments.",
    "Sessions": "The sessions of agents' clients and the calls of their tools.",
    "Hooks": "Where clients of agents send their hooks as they are.",
    "Figures": "What the dashboard shows, over the last hours.",
    "Stream": "What is new, as it happens.",
    "Documents": "The documents that agents leave.",
}

KEY = SecurityScheme(
    type="http", scheme="bearer", description="The secret of an API key with the scope."
)
SIGN_IN = SecurityScheme(
    type="apiKey",
    security_scheme_in="cookie",
    name="sessionid",
    description="A signed-in person; methods that write need the header X-CSRFToken besides.",
)

SECURITY: list[dict[str, list[str]]] = [{"key": []}, {"signIn": []}]
CONFIG = OpenAPIConfig(
    title="Agent Monitor",
    version=VERSION,
    description=DESCRIPTION,
    tags=[Tag(name=name, description=text) for name, text in TAGS.items()],
    components=Components(security_schemes={"key": KEY, "signIn": SIGN_IN}),
    security=SECURITY,
)

# What the framework says of the refusals that it adds, and what a reader needs.
WORDED = {
    "Raised when request components cannot be parsed": "The body or a parameter is wrong.",
    "Raised when path parameters do not match": "There is nothing under that address.",
    "Raised when provided `Accept` header cannot be satisfied": (
        "`Accept` names no type in which the route answers."
    ),
    "OK": "Done.",
    "Created": "Stored.",
}
# Of bodies that may hold anything, what they look like.
EXAMPLES = {
    "/api/hooks/claude-code": {
        "session_id": "0199c1de-4a52-7cc0-b1f5-3d3f3f6f9a11",
        "hook_event_name": "UserPromptSubmit",
        "cwd": "/srv/site",
        "prompt": "Make the table narrower",
    }
}
METHODS = ("get", "post", "put", "patch", "delete")


def document(router: Router) -> dict[str, Any]:
    """The OpenAPI document of all routes: JSON to be, and not to be changed."""
    openapi = build_schema(router, config=CONFIG).convert()
    for said in _said(openapi):
        text = inspect.cleandoc(said["description"])
        said["description"] = WORDED.get(text, text)
    for path, item in openapi["paths"].items():
        _spread(path, item)
    for path, example in EXAMPLES.items():
        body = openapi["paths"][path]["post"]["requestBody"]
        body["content"]["application/json"]["example"] = example
    return openapi


def _spread(path: str, item: dict[str, Any]) -> None:
    """Give each operation what was said of its path, and a name without the class behind it."""
    common = {key: item.pop(key) for key in ("summary", "description") if key in item}
    name = re.sub(r"[\W_]+([a-z\d]?)", lambda found: found[1].upper(), path.removeprefix("/api"))
    for method in METHODS:
        if method in item:
            own = {"operationId": method + name, "security": SECURITY}
            item[method] = common | item[method] | own
            item[method]["summary"] = " ".join(item[method]["summary"].split())
            _gather(item[method])


def _gather(operation: dict[str, Any]) -> None:
    """Say once what the framework says of each parameter alike: it is of all of them."""
    parameters = operation.get("parameters", [])
    told = Counter(parameter.get("description") for parameter in parameters)
    for text in [text for text, count in told.items() if text and count > 1]:
        operation["description"] = "\n\n".join(filter(None, [operation.get("description"), text]))
        for parameter in parameters:
            if parameter.get("description") == text:
                del parameter["description"]


def _said(part: Any) -> Iterator[dict[str, Any]]:
    """All parts of the document that are described."""
    if isinstance(part, dict):
        if isinstance(part.get("description"), str):
            yield part
        for inner in part.values():
            yield from _said(inner)
    elif isinstance(part, list):
        for inner in part:
            yield from _said(inner)
