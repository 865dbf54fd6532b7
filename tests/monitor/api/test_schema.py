"""The API keeps what its OpenAPI document says, whatever it is sent."""

import copy
from collections import Counter
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections, connection
from django.test import Client
from django.utils import timezone
from hypothesis import HealthCheck, settings
from msgspec import Struct, json
from pytest_django import DjangoAssertNumQueries
from schemathesis.config import SchemathesisConfig

from costs.ledger import record_usage
from monitor.api.document import TAGS
from monitor.api.routes import described
from sessions.events import ToolEnded
from sessions.recording import record
from tasks.reporting import report

OPENAPI = described()
STREAM = "/api/stream/metrics"  # has no end
KNOWN = {"task_id": "t1", "key": "s1", "user_id": "u1"}
OURS = {"monitor", "costs", "sessions", "tasks", "records"}
CONFIG = SchemathesisConfig.from_dict(
    {
        "generation": {"max-examples": 5, "deterministic": True},
        # What every field may be is read before any SQL: trying all of it once is enough.
        "phases": {
            "coverage": {
                "enabled": connection.vendor == "sqlite",
                "unexpected-methods": ["DELETE"],
            }
        },
        # That fields belong together, say, is told in words; JSON Schema cannot.
        "checks": {"positive_data_acceptance": {"enabled": False}},
        "operations": [
            # Of a batch the good items are taken, and of a form the file.
            {"include-path": path, "checks": {"negative_data_rejection": {"enabled": False}}}
            for path in ("/api/usage/batch", "/api/tasks/{task_id}/attachments")
        ]
        # Every field of four kinds of event would make as many cases as all other routes.
        + [
            {
                "include-path": "/api/tool-calls",
                "checks": {"negative_data_rejection": {"enabled": False}},
                "phases": {"coverage": {"enabled": False}},
                "generation": {"max-examples": 50},
            }
        ],
    }
)
OPERATIONS = [
    (f"{method.upper()} {path}", operation)
    for path, item in OPENAPI["paths"].items()
    for method, operation in item.items()
]


def to_be_tried() -> dict[str, Any]:
    """The document, with names that are known as examples: they are asked for first.

    Lists have no upper bound in it, or each of them would be tried with a thousand items.
    """
    document = copy.deepcopy(OPENAPI)
    for part in parts(document):
        part.pop("maxItems", None)
        if part.get("in") == "path" and part["name"] in KNOWN:
            part["example"] = KNOWN[part["name"]]
    return document


def parts(whole: Any) -> Iterator[dict[str, Any]]:
    """All objects in a JSON value."""
    if isinstance(whole, dict):
        yield whole
    for inner in whole.values() if isinstance(whole, dict) else whole:
        if isinstance(inner, dict | list):
            yield from parts(inner)


schema = schemathesis.openapi.from_dict(to_be_tried(), config=CONFIG)
schema.app = get_wsgi_application()


@pytest.fixture
def open_connection() -> Iterator[None]:
    """The end of a request does not close the connection, and with it the test's transaction."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.fixture
def facts(db: None) -> None:
    now = timezone.now()
    report(task_id="t1", at=now, status="running", message="Begun", user_id="u1")
    call = {"session_key": "s1", "task_id": "t1", "tool_use_id": "c1", "tool_name": "Bash"}
    record([ToolEnded(**call, at=now, success=False, error="Boom")])
    record_usage(user_id="u1", model="sonnet", input_tokens=1, output_tokens=1)


class TestRoutes:
    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
    @schema.exclude(path=STREAM).parametrize()
    @pytest.mark.usefixtures("facts", "open_connection")
    def test_answers_are_as_documented(self, case: schemathesis.Case, agent: Client) -> None:
        case.call_and_validate(headers={"Authorization": agent.defaults["HTTP_AUTHORIZATION"]})


class TestDocument:
    def test_it_is_openapi(self, reader: Client) -> None:
        document = reader.get("/api/openapi.json").json()
        assert document == OPENAPI
        assert document["openapi"].startswith("3.1.")
        assert {"title", "version", "description"} <= document["info"].keys()

    def test_it_is_served_without_a_query_but_that_for_the_key(
        self, reader: Client, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        with django_assert_num_queries(1):
            reader.get("/api/openapi.json")

    def test_its_schemas_are_schemas(self) -> None:
        for name, schema in OPENAPI["components"]["schemas"].items():
            jsonschema_rs.meta.validate(
                schema | {"$schema": "https://json-schema.org/draft/2020-12/schema"}
            )
            assert schema.get("description") or schema.get("title"), name

    def test_every_reference_leads_somewhere(self) -> None:
        for part in parts(OPENAPI):
            if "$ref" in part:
                assert part["$ref"].rpartition("/")[2] in OPENAPI["components"]["schemas"]

    def test_no_two_structs_share_a_name(self) -> None:
        """Of two with one name the framework would describe the first alone."""
        described = OPENAPI["components"]["schemas"]
        used = [cls for cls in subclasses(Struct) if cls.__module__.split(".")[0] in OURS]
        names = Counter(cls.__name__ for cls in used if cls.__name__ in described)
        for cls in used:
            if names[cls.__name__] > 1:
                fields = json.schema(cls)["$defs"][cls.__name__]["properties"].keys()
                assert fields == described[cls.__name__]["properties"].keys(), cls

    @pytest.mark.parametrize(
        ("name", "operation"), OPERATIONS, ids=[name for name, _ in OPERATIONS]
    )
    def test_every_operation_is_told_in_full(self, name: str, operation: dict[str, Any]) -> None:
        assert operation["summary"]
        assert "\n" not in operation["summary"]
        assert len(operation["tags"]) == 1
        assert operation["tags"][0] in TAGS
        assert operation["security"] == [{"key": []}, {"signIn": []}]
        assert {"401", "403", "503"} <= operation["responses"].keys()
        if "requestBody" in operation:
            assert {"400", "413", "415"} <= operation["responses"].keys()

    @pytest.mark.parametrize(
        ("name", "operation"), OPERATIONS, ids=[name for name, _ in OPERATIONS]
    )
    def test_every_refusal_has_an_error(self, name: str, operation: dict[str, Any]) -> None:
        schemas = OPENAPI["components"]["schemas"]
        for status, answer in operation["responses"].items():
            assert answer["description"]
            assert not answer["description"].startswith("Raised")
            if status >= "400":
                ref = answer["content"]["application/json"]["schema"]["$ref"]
                assert "error" in schemas[ref.rpartition("/")[2]]["properties"]

    def test_names_of_operations_are_unique(self) -> None:
        names = Counter(operation["operationId"] for _, operation in OPERATIONS)
        assert set(names.values()) == {1}


def subclasses(cls: type) -> Iterator[type]:
    for below in cls.__subclasses__():
        yield below
        yield from subclasses(below)
