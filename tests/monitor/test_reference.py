import json
import re
import shlex
from html import unescape
from typing import Any

import jsonschema_rs
import pytest
from django.db import connection
from django.template import Context, Template
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from monitor.api.routes import described
from monitor.json_schema import Field, Schemas, Table
from monitor.reference import Operation, reference

OPENAPI = described()
SITE = "https://monitor.example.org"
WHOLE = reference(OPENAPI, SITE)
OPERATIONS = [operation for group in WHOLE.groups for operation in group.operations]


def tables(schema: dict[str, Any], **components: Any) -> tuple[Table, ...]:
    return Schemas(components).tables(schema)


def fields(schema: dict[str, Any], **components: Any) -> list[Field]:
    [table] = tables({"type": "object", "properties": schema}, **components)
    return list(table.fields)


def field(schema: dict[str, Any], **components: Any) -> Field:
    return Schemas(components).field("x", schema)


class TestFields:
    @pytest.mark.parametrize(
        ("schema", "kind", "rules"),
        [
            ({"type": "string"}, "string", ()),
            ({"type": "string", "format": "date-time"}, "time", ()),
            (
                {"type": "string", "minLength": 1, "maxLength": 64},
                "string",
                ("1 to 64 characters",),
            ),
            ({"type": "integer", "minimum": 0}, "integer", ("not below 0",)),
            ({"type": "integer", "minimum": 5}, "integer", ("at least 5",)),
            ({"type": "integer", "maximum": 9000}, "integer", ("at most 9,000",)),
            ({"type": ["number", "string"]}, "number or string", ()),
            ({"anyOf": [{"type": "integer"}, {"type": "null"}]}, "integer", ("may be null",)),
            ({"type": "boolean", "default": False}, "boolean", ("default false",)),
            ({"type": "integer", "default": 8}, "integer", ("default 8",)),
            ({"enum": ["", "block"]}, "string", ("one of “”, block",)),
            ({"enum": ["only"]}, "string", ("always only",)),
            ({"enum": [True]}, "boolean", ("always true",)),
            ({"enum": [0, 1, None]}, "integer", ("one of 0, 1, null",)),
            ({"type": "array", "items": {"type": "string"}}, "array of string", ()),
            ({"type": "array", "items": {"$ref": "#/x/Part"}}, "array of object", ()),
            ({"type": "array", "maxItems": 10}, "array of any", ("at most 10 items",)),
            ({"$ref": "#/x/Part"}, "object", ()),
            ({}, "any", ()),
        ],
    )
    def test_kinds_and_rules_are_worded(
        self, schema: dict[str, Any], kind: str, rules: tuple[str, ...]
    ) -> None:
        told = field(schema, Part={"type": "object", "properties": {}})
        assert (told.kind, told.rules) == (kind, rules)

    def test_what_is_said_at_the_place_goes_before_what_is_said_of_the_type(self) -> None:
        part = {"type": "object", "description": "Of all."}
        assert field({"$ref": "#/x/Part"}, Part=part).description == "Of all."
        said = {"$ref": "#/x/Part", "description": "Of this one."}
        assert field(said, Part=part).description == "Of this one."

    def test_what_is_nested_has_dotted_names(self) -> None:
        part = {"type": "object", "properties": {"cost": {"type": "number"}}, "required": ["cost"]}
        ref = {"$ref": "#/x/Part"}
        told = fields(
            {
                "one": ref,
                "none": {"anyOf": [ref, {"type": "null"}]},
                "many": {"type": "array", "items": ref},
                "named": {"type": "object", "additionalProperties": ref},
            },
            Part=part,
        )
        names = [field.name for field in told if field.is_required]
        assert names == ["one.cost", "none.cost", "many[].cost", "named.*.cost"]

    def test_a_type_within_itself_is_told_once(self) -> None:
        tree = {"type": "object", "properties": {"child": {"$ref": "#/x/Tree"}}}
        [table] = tables({"$ref": "#/x/Tree"}, Tree=tree)
        assert [field.name for field in table.fields] == ["child"]

    def test_each_of_several_objects_has_a_table_that_names_it(self) -> None:
        kinds = {
            name: {"type": "object", "properties": {"event": {"enum": [name]}}}
            for name in ("begun", "ended")
        }
        union = {
            "anyOf": [{"$ref": f"#/x/{name}"} for name in kinds],
            "discriminator": {"propertyName": "event"},
        }
        listed = {"type": "array", "items": union}
        told = tables({"type": "object", "properties": {"events": listed}}, **kinds)
        captions = [table.caption for table in told]
        assert captions == ["", "events[], event: begun", "events[], event: ended"]


class TestReference:
    def test_it_holds_every_operation_of_the_document(self) -> None:
        told = {(operation.method.lower(), operation.path) for operation in OPERATIONS}
        assert told == {(m, path) for path, item in OPENAPI["paths"].items() for m in item}

    def test_anchors_are_unique(self) -> None:
        anchors = [one.anchor for one in [*WHOLE.groups, *OPERATIONS]]
        assert len(set(anchors)) == len(anchors)

    def test_an_operation_without_a_tag_is_not_lost(self) -> None:
        paths = {"/api/x": {"get": {"responses": {"200": {"description": "Done."}}}}}
        document = {"info": {"title": "T", "version": "1"}, "paths": paths}
        [group] = reference(document, SITE).groups
        assert (group.name, group.operations[0].path) == ("Others", "/api/x")

    def test_refusals_are_told_apart_from_answers(self) -> None:
        [operation] = [
            one for one in OPERATIONS if (one.path, one.method) == ("/api/usage", "POST")
        ]
        assert [answer.status for answer in operation.answers] == [200, 201]
        assert min(answer.status for answer in operation.refusals) == 400
        [busy] = [answer for answer in operation.refusals if answer.status == 503]
        assert [header.name for header in busy.headers] == ["Retry-After"]

    @pytest.mark.parametrize("operation", OPERATIONS, ids=lambda one: one.anchor)
    def test_the_example_is_a_request_that_the_document_allows(self, operation: Operation) -> None:
        words = shlex.split(operation.curl.replace("\\\n", ""))
        assert words[0] == "curl"
        [address] = [word for word in words if word.startswith(f"{SITE}/api/")]
        assert "{" not in address
        assert "Authorization: Bearer $KEY" in words
        said = OPENAPI["paths"][operation.path][operation.method.lower()]
        content = said.get("requestBody", {}).get("content", {})
        if "application/json" in content:
            schema = content["application/json"]["schema"] | {"components": OPENAPI["components"]}
            body = json.loads(words[words.index("-d") + 1])
            jsonschema_rs.validate(schema, body)
            assert body


class TestProse:
    def test_paragraphs_and_code_are_marked_and_the_rest_is_escaped(self) -> None:
        template = Template("{% load prose %}{{ text|prose }}")
        told = template.render(Context({"text": "A <b> & `x <y>`.\n\nNext"}))
        assert told == "<p>A &lt;b&gt; &amp; <code>x &lt;y&gt;</code>.</p>\n<p>Next</p>"


class TestPage:
    url = "/reference/"

    def html(self, client: Client) -> str:
        response = client.get(self.url)
        assert response.status_code == 200
        return str(response.content.decode())

    def test_it_names_every_route_with_its_fields(self, signed_in: Client) -> None:
        page = unescape(self.html(signed_in))
        for operation in OPERATIONS:
            assert f'href="#{operation.anchor}"' in page
            assert f'id="{operation.anchor}"' in page
            assert operation.curl.replace(SITE, "http://testserver") in page
        assert "<code>records[].input_tokens</code>" in page
        assert "events[], event: tool_started" in page

    def test_it_needs_no_script_and_has_nothing_inline(self, signed_in: Client) -> None:
        page = self.html(signed_in)
        assert not re.search(r"<script(?![^>]*\ssrc=)|<style|\sstyle=|\son\w+=", page)

    def test_the_menu_links_it(self, signed_in: Client) -> None:
        assert '<a href="/reference/">API</a>' in self.html(signed_in)

    def test_it_asks_the_database_for_the_person_and_its_version_alone(
        self, signed_in: Client, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        version = connection.vendor != "sqlite"  # SQLite is asked beside the connection
        with django_assert_num_queries(2 + version):
            self.html(signed_in)

    @pytest.mark.django_db
    def test_it_is_for_those_who_are_signed_in(self, client: Client) -> None:
        assert client.get(self.url)["Location"] == f"/login/?next={self.url}"

    def test_it_is_only_read(self, signed_in: Client) -> None:
        assert signed_in.post(self.url).status_code == 405
