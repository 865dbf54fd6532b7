"""JSON Schema as people read it: fields in rows with dotted names, and samples of values."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Schema = Mapping[str, Any]
Trail = tuple[str, ...]

SAMPLE_TIME = "2026-11-23T12:00:00Z"
# What stands for a value in an example, by the name of its field.
SAMPLES: dict[str, Any] = {
    "agent": "claude-code",
    "at": SAMPLE_TIME,
    "daily": 100,
    "description": "Fix the parser",
    "display_name": "Ada",
    "filename": "screenshot.png",
    "input_tokens": 1200,
    "key": "0199c1de-4a52-7cc0-b1f5-3d3f3f6f9a11",
    "message": "The parser reads nested lists",
    "model": "claude-sonnet-5-5",
    "monthly": 1000,
    "output_tokens": 350,
    "path": "guide.md",
    "session_id": "0199c1de-4a52-7cc0-b1f5-3d3f3f6f9a11",
    "session_key": "0199c1de-4a52-7cc0-b1f5-3d3f3f6f9a11",
    "task_id": "a1b2c3",
    "timestamp": SAMPLE_TIME,
    "tool_name": "Bash",
    "tool_use_id": "toolu_01",
    "user_id": "12345",
}


@dataclass(frozen=True)
class Field:
    """A value in a body, an answer or a query; `name` is its path, as in `results[].cost`."""

    name: str
    kind: str
    description: str
    rules: tuple[str, ...] = ()
    is_required: bool = False


@dataclass(frozen=True)
class Table:
    """The fields of an object. `caption` says of which, where it is one of several."""

    caption: str
    description: str
    fields: tuple[Field, ...]


@dataclass(frozen=True)
class _Choice:
    """An object that may stand at a place among others."""

    caption: str
    schema: Schema
    trail: Trail


class Schemas:
    """Reads schemas that refer to the components of one OpenAPI document."""

    def __init__(self, components: Mapping[str, Schema]) -> None:
        self.components = components

    def field(self, name: str, schema: Schema, *, is_required: bool = False) -> Field:
        """A row for one value, without what lies below it."""
        whole = self._resolved(schema)
        plain = [self._resolved(part) for part in _branches(whole)]
        said = [part["description"] for part in (whole, *plain) if part.get("description")]
        rules = tuple(rule for part in (whole, *plain) for rule in _rules(part))
        return Field(
            name,
            " or ".join(dict.fromkeys(map(self._kind, plain))) or "any",
            said[0] if said else "",
            (*dict.fromkeys(rules), *_default(schema)),
            is_required,
        )

    def tables(self, schema: Schema) -> tuple[Table, ...]:
        """The object with all that lies below it; each of several choices in a table of its own."""
        found: list[Table] = []
        waiting = [_Choice("", schema, ())]
        while waiting:
            choice = waiting.pop(0)
            parts = list(self._below("", choice.schema, choice.trail))
            fields = tuple(part for part in parts if isinstance(part, Field))
            waiting += [part for part in parts if isinstance(part, _Choice)]
            described = str(self._resolved(choice.schema).get("description", ""))
            if fields or not parts:
                found.append(Table(choice.caption, described, fields))
        return tuple(found)

    def sample(self, schema: Schema, name: str = "", trail: Trail = ()) -> Any:
        """A value that the schema takes: of an object what must be there, and no more."""
        named = self._names(schema)
        whole = self._resolved(schema)
        if whole.get("default") is not None:
            return whole["default"]
        branches = _branches(whole)
        if branches and branches[0] is not whole:
            return self.sample(branches[0], name, trail + named)
        if "enum" in whole:
            return next((value for value in whole["enum"] if value != ""), "")
        match _types(whole)[:1]:
            case ["object"]:
                return self._sample_object(whole, trail + named)
            case ["array"]:
                few = () if set(named) & set(trail) else range(max(1, whole.get("minItems", 0)))
                return [self.sample(whole.get("items", {}), name, trail + named) for _ in few]
            case ["integer" | "number"]:
                return SAMPLES.get(name, max(whole.get("minimum", 1), 1))
            case ["boolean"]:
                return True
        return SAMPLE_TIME if whole.get("format") == "date-time" else SAMPLES.get(name, name or "…")

    def _sample_object(self, whole: Schema, trail: Trail) -> dict[str, Any]:
        """What must be there; where nothing must, a few that have a sample."""
        properties = whole.get("properties", {})
        few = [name for name in properties if name in SAMPLES][:3]
        names = whole.get("required") or few
        return {
            name: self.sample(part, name, trail)
            for name, part in properties.items()
            if name in names
        }

    def _below(self, name: str, schema: Schema, trail: Trail) -> Iterator[Field | _Choice]:
        """What lies in the object or the list at `name`; a schema within itself is told once."""
        named = self._names(schema)
        if set(named) & set(trail):
            return
        whole, trail = self._resolved(schema), trail + named
        branches = _branches(whole)
        if len(branches) > 1:
            yield from self._choices(name, whole, branches, trail)
        elif branches and branches[0] is not whole:
            yield from self._below(name, branches[0], trail)
        elif "properties" in whole:
            yield from self._properties(name, whole, trail)
        elif isinstance(whole.get("items"), Mapping):
            yield from self._below(f"{name}[]", whole["items"], trail)
        elif isinstance(whole.get("additionalProperties"), Mapping):
            yield from self._below(f"{name}.*".lstrip("."), whole["additionalProperties"], trail)

    def _properties(self, name: str, whole: Schema, trail: Trail) -> Iterator[Field | _Choice]:
        for key, part in whole["properties"].items():
            path = f"{name}.{key}" if name else key
            yield self.field(path, part, is_required=key in whole.get("required", []))
            yield from self._below(path, part, trail)

    def _choices(
        self, name: str, whole: Schema, branches: list[Schema], trail: Trail
    ) -> Iterator[_Choice]:
        tag = whole.get("discriminator", {}).get("propertyName")
        for branch in branches:
            plain = self._resolved(branch)
            if "properties" in plain:
                values = plain["properties"].get(tag, {}).get("enum", [plain.get("title", "")])
                said = f"{tag}: {values[0]}" if tag else str(values[0])
                yield _Choice(f"{name}, {said}" if name else said, branch, trail)

    def _kind(self, plain: Schema) -> str:
        types = _types(plain)
        if types == ["array"]:
            kinds = [self._kind(self._resolved(part)) for part in _branches(plain.get("items", {}))]
            return f"array of {' or '.join(dict.fromkeys(kinds)) or 'any'}"
        if types == ["string"] and "format" in plain:
            return FORMATS.get(plain["format"], str(plain["format"]))
        return " or ".join(types) or "any"

    def _resolved(self, schema: Schema) -> Schema:
        """The schema that is referred to, under what was said at the place of the reference."""
        while "$ref" in schema:
            beside = {key: value for key, value in schema.items() if key != "$ref"}
            schema = {**self.components[_name(schema["$ref"])], **beside}
        return schema

    def _names(self, schema: Schema) -> Trail:
        return (_name(schema["$ref"]),) if "$ref" in schema else ()


def _name(ref: str) -> str:
    return ref.rpartition("/")[2]


def _branches(whole: Schema) -> list[Schema]:
    """The schemas one of which holds: mostly the one itself. That it may be null is a rule."""
    some = whole.get("anyOf") or whole.get("oneOf")
    if not some:
        return [whole]
    return [part for part in some if part.get("type") != "null"]


def _types(plain: Schema) -> list[str]:
    told = plain.get("type", [])
    if not told:
        told = [TYPES[type(value)] for value in plain.get("enum", []) if value is not None]
        return list(dict.fromkeys(told))
    return [told] if isinstance(told, str) else list(told)


def _rules(plain: Schema) -> Iterator[str]:
    """What a value must keep to, in words."""
    some = plain.get("anyOf") or plain.get("oneOf") or []
    if {"type": "null"} in some:
        yield "may be null"
    choices = [_word(value) for value in plain.get("enum", [])]
    if choices:
        yield f"one of {', '.join(choices)}" if len(choices) > 1 else f"always {choices[0]}"
    for low, high, unit in BOUNDS:
        yield from _bound(plain.get(low), plain.get(high), unit)


FORMATS = {"date-time": "time", "binary": "file"}
TYPES = {str: "string", int: "integer", bool: "boolean", float: "number"}
BOUNDS = (
    ("minimum", "maximum", ""),
    ("minLength", "maxLength", " characters"),
    ("minItems", "maxItems", " items"),
)


def _bound(low: float | None, high: float | None, unit: str) -> Iterator[str]:
    if high is not None:
        yield f"{low:,} to {high:,}{unit}" if low is not None else f"at most {high:,}{unit}"
    elif low:
        yield f"at least {low:,}{unit}"
    elif low is not None and not unit:
        yield f"not below {low}"


def _default(schema: Schema) -> Iterator[str]:
    default = schema.get("default")
    if default not in (None, "", [], {}):
        yield f"default {_word(default)}"


def _word(value: Any) -> str:
    """As it stands in JSON, but for texts, which mostly need no quotes."""
    return (value or "“”") if isinstance(value, str) else json.dumps(value)
