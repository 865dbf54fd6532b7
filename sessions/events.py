"""What a client tells of a session, as structs: checked when they are recorded."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

from msgspec import Meta, Struct

from sessions.models.activity import MAX_EVENT, MAX_EVENT_ID
from sessions.models.session import MAX_KEY, MAX_NAME
from sessions.models.tool_call import MAX_TOOL_NAME, MAX_TOOL_USE_ID
from tasks.identity import Invalid
from tasks.models.task import MAX_ID

MAX_COUNT = 10**12
MAX_MS = 10**12
FACTS = ("user_id", "agent", "model", "workspace", "host", "git_branch", "title", "source")

InvalidEvent = Invalid
Key = Annotated[str, Meta(min_length=1, max_length=MAX_KEY)]
Name = Annotated[str, Meta(max_length=MAX_NAME)]
Count = Annotated[int, Meta(ge=0, le=MAX_COUNT)]


class SessionEvent(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """News of a session at `at` (aware): that it lives, and what is known of it.

    Blank facts tell nothing; of several events the latest that tells a fact counts. `parent_key`
    makes it a sub-agent of that session. `task_id` need not be known yet.
    """

    session_key: Key
    at: Annotated[datetime, Meta(tz=True)]
    user_id: Annotated[str, Meta(max_length=64)] = ""
    task_id: Annotated[str, Meta(max_length=MAX_ID)] = ""
    parent_key: Annotated[str, Meta(max_length=MAX_KEY)] = ""
    agent: Name = ""
    model: Name = ""
    workspace: Annotated[str, Meta(max_length=4096)] = ""
    host: Annotated[str, Meta(max_length=255)] = ""
    git_branch: Annotated[str, Meta(max_length=255)] = ""
    title: str = ""
    source: Annotated[str, Meta(max_length=64)] = ""


class SessionEnded(SessionEvent, frozen=True, kw_only=True):
    """The session ended, until something is heard of it again."""

    reason: Name = ""


class SessionNote(SessionEvent, frozen=True, kw_only=True):
    """A line for the session's log. Without an `event_id` of their own, equal notes are one."""

    event: Annotated[str, Meta(min_length=1, max_length=MAX_EVENT)]
    message: str = ""
    metadata: Mapping[str, Any] | None = None
    event_id: Annotated[str, Meta(max_length=MAX_EVENT_ID)] = ""


class ToolStarted(SessionEvent, frozen=True, kw_only=True):
    """A tool was called. `tool_use_id` tells the calls of a session apart."""

    tool_use_id: Annotated[str, Meta(min_length=1, max_length=MAX_TOOL_USE_ID)]
    tool_name: Annotated[str, Meta(min_length=1, max_length=MAX_TOOL_NAME)]
    parameters: Mapping[str, Any] | None = None


class ToolEnded(ToolStarted, frozen=True, kw_only=True):
    """A call came back: well, or with an error. Milliseconds are as the client measured them."""

    success: bool
    error: str = ""
    duration_ms: Annotated[float, Meta(ge=0, le=MAX_MS)] | None = None
    input_tokens: Count = 0
    output_tokens: Count = 0
    cache_read_tokens: Count = 0
    cache_write_tokens: Count = 0
