"""Routes of the API on which agents report their sessions and the calls of their tools."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from hashlib import blake2b
from http import HTTPStatus
from typing import Annotated, Any, Literal

import msgspec
from django.utils import timezone
from dmr import APIError, Controller, ResponseSpec, modify
from dmr.metadata import EndpointMetadata
from dmr.openapi.core.context import OpenAPIContext
from dmr.openapi.objects import Parameter, Reference, RequestBody
from dmr.plugins.msgspec import BodyMsgspec
from dmr.plugins.msgspec.components import BodyMsgspecComponent
from dmr.routing import path
from msgspec import Meta, Raw, Struct, field
from msgspec.structs import replace

from records.api import Api, Problem
from sessions.events import MAX_MS, SessionEnded, SessionEvent, ToolEnded, ToolStarted
from sessions.models import Session
from sessions.models.tool_call import MAX_TOOL_NAME
from sessions.recording import prepare, write
from tasks.identity import Invalid
from tasks.models.task import MAX_ID

MAX_EVENTS = 1_000

Time = Annotated[datetime, Meta(tz=True, description="By default now.")]


class NewsOfSession(SessionEvent, frozen=True, kw_only=True, tag_field="event", tag="session"):
    """That a session lives, and what is known of it; blank tells nothing."""

    at: Time = field(default_factory=timezone.now)


class EndOfSession(SessionEnded, frozen=True, kw_only=True, tag_field="event", tag="session_ended"):
    """A session ended, until something is heard of it again."""

    at: Time = field(default_factory=timezone.now)


class StartOfCall(ToolStarted, frozen=True, kw_only=True, tag_field="event", tag="tool_started"):
    """A tool was called. `tool_use_id` tells the calls of a session apart."""

    at: Time = field(default_factory=timezone.now)


class EndOfCall(ToolEnded, frozen=True, kw_only=True, tag_field="event", tag="tool_ended"):
    """A call came back: well, or with an error. The start may come before it, after it or not."""

    at: Time = field(default_factory=timezone.now)


Event = NewsOfSession | EndOfSession | StartOfCall | EndOfCall
Size = Meta(min_length=1, max_length=MAX_EVENTS)


class Batch(Struct, forbid_unknown_fields=True):
    """SessionEvents, each to be read by itself: a bad one spoils no other."""

    events: Annotated[list[Raw], Size]


class SessionEvents(Struct, forbid_unknown_fields=True):
    """What is told of sessions and of the calls of their tools, in any order."""

    events: Annotated[list[Event], Size]


class BatchBody(BodyMsgspecComponent):
    """Read as Batch, and documented as what it is for."""

    def get_schema(
        self,
        model: Any,
        model_meta: tuple[Any, ...],
        metadata: EndpointMetadata,
        controller_cls: type[Controller[Any]],
        context: OpenAPIContext,
    ) -> list[Parameter | Reference] | RequestBody:
        return super().get_schema(SessionEvents, model_meta, metadata, controller_cls, context)


class Rejected(Struct):
    """The event at `index`, counted from 0, was not recorded."""

    index: int
    error: str


class EventsRecorded(Struct):
    """What a batch was news of; what was known before counts as recorded, and as nothing else."""

    recorded: int
    rejected: list[Rejected]
    sessions_added: int
    calls_added: int
    calls_changed: int
    calls_pruned: Annotated[
        int, Meta(description="Calls of a time from which none are kept: passed over.")
    ]


class NoEventRecorded(Problem):
    """No event was recorded; `error` names the first fault."""

    recorded: int = 0
    rejected: list[Rejected] = []
    sessions_added: int = 0
    calls_added: int = 0
    calls_changed: int = 0
    calls_pruned: int = 0


class ToolCallsApi(Api):
    tags = ("Sessions",)
    permission = "agent_sessions.add_toolcall"
    responses = (
        *Api.responses,
        ResponseSpec(
            NoEventRecorded,
            status_code=HTTPStatus.BAD_REQUEST,
            description="The body is no list of events, or none of them could be recorded.",
        ),
    )

    @modify(status_code=HTTPStatus.OK)
    def post(self, parsed_body: Annotated[Batch, BatchBody()]) -> EventsRecorded:
        """Record what happened in sessions: news of them, and starts and ends of tool calls.

        1 to 1,000 events in any order; a session that is not known is made. The good ones are
        stored in one transaction, the others answered with their place and fault. A call is known
        by its session and its `tool_use_id`: told again, it is the same.
        """
        good, rejected = sorted_out(parsed_body.events)
        if not good:
            raise nothing_recorded(rejected)
        told = write(good)
        return EventsRecorded(
            recorded=len(good),
            rejected=rejected,
            sessions_added=told.sessions_added,
            calls_added=told.calls_added,
            calls_changed=told.calls_changed,
            calls_pruned=told.calls_pruned,
        )


decode = msgspec.json.Decoder(Event).decode


def sorted_out(events: Sequence[Raw]) -> tuple[list[SessionEvent], list[Rejected]]:
    """The events that can be recorded, ready to be written, and what is wrong with the others."""
    good: list[SessionEvent] = []
    rejected: list[Rejected] = []
    for index, event in enumerate(events):
        try:
            good.append(prepare(decode(event)))
        except (Invalid, msgspec.DecodeError, UnicodeDecodeError, RecursionError) as fault:
            rejected.append(Rejected(index, str(fault)))
    return good, rejected


def nothing_recorded(rejected: list[Rejected]) -> APIError[NoEventRecorded]:
    first = rejected[0]
    problem = NoEventRecorded(f"events[{first.index}]: {first.error}", rejected=rejected)
    return APIError(problem, status_code=HTTPStatus.BAD_REQUEST)


class Execution(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A call that came back. Where `timestamp` has no zone, it is read in TIME_ZONE."""

    task_id: Annotated[str, Meta(min_length=1, max_length=MAX_ID)]
    tool_name: Annotated[str, Meta(min_length=1, max_length=MAX_TOOL_NAME)]
    timestamp: datetime
    success: bool = True
    error: str | None = None
    parameters: Mapping[str, Any] | None = None
    duration_ms: Annotated[float, Meta(ge=0, le=MAX_MS)] | None = None
    error_category: Annotated[
        str | None, Meta(description="Stands in for an error without a text.")
    ] = None

    def event(self) -> ToolEnded:
        """The end of a call in the session that stands in for the task, without an id yet."""
        naive = self.timestamp.tzinfo is None
        failure = "" if self.success else self.error_category or ""
        return ToolEnded(
            session_key=self.task_id,
            task_id="" if is_session(self.task_id) else self.task_id,
            at=timezone.make_aware(self.timestamp) if naive else self.timestamp,
            tool_use_id="-",
            tool_name=self.tool_name,
            parameters=self.parameters,
            success=self.success,
            error=self.error or failure,
            duration_ms=self.duration_ms,
        )


NAMES = {"session_key": "task_id", "at": "timestamp"}
"""What a fault in the fields of an event is told by."""


class Executed(Struct):
    success: Literal[True] = True


class ToolExecutionApi(Api):
    tags = ("Sessions",)
    permission = "agent_sessions.add_toolcall"

    @modify(status_code=HTTPStatus.OK)
    def post(self, parsed_body: BodyMsgspec[Execution]) -> Executed:
        """Record one finished tool call of a task.

        For those who know the task and not the session; /api/tool-calls tells more. What is told
        again in every detail is the same call. `task_id` may also be the key of a session.
        """
        try:
            event = prepare(parsed_body.event())
        except Invalid as fault:
            raise Invalid(NAMES.get(fault.field, fault.field), fault.cause) from None
        write([replace(event, tool_use_id=content_id(event))])
        return Executed()


def is_session(key: str) -> bool:
    """Whether a session goes by that name in its own right, so that it names no task."""
    return key.isprintable() and Session.objects.code().filter(key=key).exists()


def content_id(event: SessionEvent) -> str:
    """An id that the same event has again, and no other; made of what is stored of it."""
    text = msgspec.json.encode(event, order="sorted")
    return f"execution-{blake2b(text, digest_size=16).hexdigest()}"


routes = [
    path("tool-calls", ToolCallsApi.as_view(), name="tool_calls"),
    path("tool-execution", ToolExecutionApi.as_view(), name="tool_execution"),
]
