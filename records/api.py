"""What every route of the JSON API has in common: strict bodies, and faults under `error`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, ClassVar

import msgspec
from django.core.exceptions import RequestDataTooBig
from django.http import HttpResponse
from dmr import Controller, HeaderSpec, ResponseSpec
from dmr.endpoint import Endpoint
from dmr.errors import ErrorType, format_error
from dmr.exceptions import RequestSerializationError
from dmr.metadata import EndpointMetadata
from dmr.plugins.msgspec import MsgspecJsonParser, MsgspecJsonRenderer, MsgspecSerializer
from dmr.plugins.msgspec.schema import MsgspecSchemaGenerator
from dmr.plugins.msgspec.serializer import MsgspecEndpointOptimizer
from dmr.response import APIError
from dmr.serializer import ContextField, ContextModel, SchemaDef
from msgspec import Struct

from records.faults import Invalid
from records.money import SENT, Dollars
from records.structs import built

__all__ = ["NOT_FOUND", "Api", "Dollars", "Problem", "missing", "refusal"]


class Problem(Struct):
    """Why a request was refused, in a sentence that says what is wrong and where."""

    error: str


class StrictJson(MsgspecJsonParser):
    """A number is no text, and a text no number."""

    strict = True


class ExactJson(MsgspecJsonRenderer):
    """Money is written as a number with all its decimals, not by way of a float."""

    _encoder = msgspec.json.Encoder(decimal_format="number")

    def render(
        self, to_serialize: Any, serializer_hook: Callable[[Any], Any] | None = None
    ) -> bytes:
        return self._encoder.encode(to_serialize)


def missing(what: str) -> APIError[Problem]:
    """To be raised where an address names nothing; its route documents NOT_FOUND."""
    return APIError(Problem(f"{what} not found"), status_code=HTTPStatus.NOT_FOUND)


def refusal(status: HTTPStatus, why: str, **headers: str) -> ResponseSpec:
    """How the documentation tells of an answer that holds a Problem."""
    specs: Mapping[str, Any] = {
        name.replace("_", "-"): HeaderSpec(description=text) for name, text in headers.items()
    }
    return ResponseSpec(Problem, status_code=status, description=why, headers=specs)


NOT_FOUND = refusal(HTTPStatus.NOT_FOUND, "There is nothing under that address.")


class Schemas(MsgspecSchemaGenerator):
    """Decimals as they are sent; msgspec would call each of them a text."""

    @classmethod
    def get_schema(
        cls, model: Any, ref_template: str, *, used_for_response: bool = False
    ) -> SchemaDef:
        schema, components = super().get_schema(model, ref_template)
        return _as_sent(schema), _as_sent(components)


def _as_sent(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_as_sent(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    if SENT in schema:
        kept = {key: value for key, value in schema.items() if key not in (SENT, "format")}
        return kept | {"type": schema[SENT]}
    return {key: _as_sent(part) for key, part in schema.items()}


class AnswersBuilt(MsgspecEndpointOptimizer):
    """Answers that are checked are read, too."""

    @classmethod
    def optimize_endpoint(cls, metadata: EndpointMetadata) -> None:
        for response in metadata.responses.values():
            built(response.return_type)


class Serializer(MsgspecSerializer):
    schema_generator = Schemas
    optimizer = AnswersBuilt

    @classmethod
    def build_context_model(cls, name: str, fields: Mapping[str, ContextField]) -> ContextModel:
        made = super().build_context_model(name, fields)
        built(made.model)
        return made


class Api(Controller[Serializer]):
    """The base of all routes: what each of them may answer besides what it is for.

    Whoever calls has passed monitor.guard: a key with the scope, or a person with `permission`.
    """

    is_abstract = True
    parsers = (StrictJson(),)
    renderers = (ExactJson(),)
    error_model = Problem
    permission: ClassVar[str] = ""
    """What a signed-in person must be allowed to do to use a method that writes; blank: nobody."""

    responses: ClassVar[tuple[ResponseSpec, ...]] = (
        refusal(HTTPStatus.UNAUTHORIZED, "No key, or one that is unknown, revoked or expired."),
        refusal(HTTPStatus.FORBIDDEN, "The key lacks the scope, or the person the permission."),
        refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "The body is too long."),
        refusal(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "The body is not of the type that is asked for."
        ),
        refusal(
            HTTPStatus.SERVICE_UNAVAILABLE,
            "The database is locked or lost: nothing was stored, try again.",
            Retry_After="Seconds to wait.",
        ),
    )

    def format_error(
        self,
        error: str | Exception,
        *,
        loc: str | list[str | int] | None = None,
        error_type: str | ErrorType | None = None,
    ) -> dict[str, str]:
        faults = format_error(error, loc=loc, error_type=error_type)["detail"]
        return {"error": "; ".join(fault["msg"] for fault in faults)}

    def handle_error(
        self, endpoint: Endpoint, controller: Controller[Any], exc: Exception
    ) -> HttpResponse:
        status = self._status(endpoint, exc)
        if status is None:
            raise exc
        return self.to_error(self.format_error(str(exc)), status_code=status)

    def _status(self, endpoint: Endpoint, exc: Exception) -> HTTPStatus | None:
        """What the fault means to a client, where the framework would not say so."""
        if isinstance(exc, RequestDataTooBig):
            return HTTPStatus.REQUEST_ENTITY_TOO_LARGE
        if isinstance(exc, (Invalid, RecursionError)):
            return HTTPStatus.BAD_REQUEST
        if isinstance(exc, RequestSerializationError):
            known = self.request.content_type in endpoint.metadata.parsers
            return HTTPStatus.BAD_REQUEST if known else HTTPStatus.UNSUPPORTED_MEDIA_TYPE
        return None
