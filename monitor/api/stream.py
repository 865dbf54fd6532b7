"""The route of the live stream; what goes over it is the business of monitor.stream."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Literal

import msgspec
from django.contrib.auth.decorators import login_not_required
from django.http import HttpResponse
from django.views.decorators.http import require_safe
from dmr.openapi.objects import (
    MediaType,
    OpenAPIType,
    Operation,
    Parameter,
    PathItem,
    Response,
    Schema,
)
from dmr.routing import external_path
from msgspec import Meta, Struct

from monitor.callers import Caller
from monitor.guard import problem
from monitor.middleware import Request
from monitor.stream import STREAM, Asked
from records.api import Api
from records.structs import built

MAX_HOURS = 10 * 366 * 24


@built
class StreamQuery(Struct):
    """`only=news` is for whoever fetches the rest: messages then hold no figures."""

    hours: Annotated[int, Meta(ge=1, le=MAX_HOURS)] = 24
    only: Literal["", "news"] = ""


@login_not_required  # the guard has asked already
@require_safe
def stream(request: Request) -> HttpResponse:
    try:
        query = msgspec.convert(request.GET.dict(), StreamQuery, strict=False)
    except msgspec.ValidationError as fault:
        return problem(HTTPStatus.BAD_REQUEST, str(fault))
    if request.method == "GET":
        hours = None if query.only else query.hours
        last_id = request.headers.get("Last-Event-ID", "")
        getattr(request, "scope", {})[STREAM] = Asked(Caller.of(request), hours, last_id)
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return HttpResponse(content_type="text/event-stream", headers=headers)


def _refused(why: object) -> Response:
    schema = Schema(ref="#/components/schemas/Problem")
    return Response(description=str(why), content={"application/json": MediaType(schema=schema)})


TEXT, NUMBER = Schema(type=OpenAPIType.STRING), OpenAPIType.INTEGER
DOCUMENTED = PathItem(
    get=Operation(
        tags=["Stream"],
        operation_id="getStreamMetrics",
        summary="Follow what happens, as Server-Sent Events without an end.",
        description=(
            "The first message tells the state of now, each further one that of a commit, at most"
            " one a second. Without `only`, a message's data is JSON: `overview` as of"
            " /api/metrics/overview, `sessions` as of /api/metrics/claude-sessions, `activity`: the"
            " list of /api/tasks/activity, and `timestamp`. With `only=news` it is the event `news`"
            " without figures. A comment comes every 15 seconds; `retry` says when to come back."
        ),
        parameters=[
            Parameter(
                name="hours",
                param_in="query",
                description="How far back the figures reach.",
                schema=Schema(type=NUMBER, minimum=1, maximum=MAX_HOURS, default=24),
            ),
            Parameter(
                name="only",
                param_in="query",
                description="`news`: only that there is some.",
                schema=Schema(type=OpenAPIType.STRING, enum=["", "news"], default=""),
            ),
            Parameter(
                name="Last-Event-ID",
                param_in="header",
                description="The id of the last message had before; nothing is told twice.",
                schema=TEXT,
            ),
        ],
        responses={
            "200": Response(
                description="The stream.", content={"text/event-stream": MediaType(schema=TEXT)}
            ),
            "400": _refused("A parameter is wrong."),
            **{str(spec.status_code.value): _refused(spec.description) for spec in Api.responses},
        },
    )
)

routes = [external_path("stream/metrics", stream, openapi=DOCUMENTED, name="stream")]
