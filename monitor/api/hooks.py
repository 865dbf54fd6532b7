"""Where agents' clients send their hooks."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import Annotated, Any, Literal

from django.utils import timezone
from dmr import Query, modify
from dmr.plugins.msgspec import BodyMsgspec
from dmr.routing import path
from msgspec import Meta, Struct, field

from costs.limits import check_limits
from records.api import Api
from records.faults import Invalid
from sessions.claude_code import Hook
from sessions.events import SessionEvent, SessionNote
from sessions.models import Session
from sessions.recording import record
from tasks.models.task import MAX_ID

logger = logging.getLogger(__name__)


class HookQuery(Struct):
    """What the hook does not tell: whose session it is, for which task, and on which host.

    `limits=block` asks whether the user may still spend before each prompt.
    """

    user_id: Annotated[str, Meta(max_length=64)] = ""
    task_id: Annotated[str, Meta(max_length=MAX_ID)] = ""
    host: Annotated[str, Meta(max_length=255)] = ""
    limits: Literal["", "block"] = ""


class Answer(Struct, omit_defaults=True):
    """Empty where the agent may go on; otherwise what its client obeys or shows."""

    decision: Literal["", "block"] = ""
    reason: str = ""
    system_message: str = field(default="", name="systemMessage")


class ClaudeCodeApi(Api):
    """Take an event of Claude Code, as its hook sends it.

    Tool events become calls of the session, all others lines of its log, whatever their name.
    The answer is empty, but for `limits=block`: a prompt of a user who has reached a limit is
    answered with the decision to block it, and from 80 % on with a warning, once an hour. A tool
    is never held up.
    """

    tags = ("Hooks",)

    @modify(status_code=HTTPStatus.OK)
    def post(
        self, parsed_body: BodyMsgspec[dict[str, Any]], parsed_query: Query[HookQuery]
    ) -> Answer:
        hook, query = Hook.read(parsed_body, self.request.body, timezone.now()), parsed_query
        if query.limits and not query.user_id:
            raise Invalid("limits", "user_id must say whose limits count")
        answer = judged(query.user_id) if query.limits and hook.is_prompt else Answer()
        facts = {"user_id": query.user_id, "task_id": query.task_id, "host": query.host}
        told = hook.events(is_titled=is_titled(hook), **facts)
        record([*told, *blocked(hook, answer)])
        return answer


def is_titled(hook: Hook) -> bool:
    """Whether the session has a title; asked for a prompt only, which may give it one."""
    return not hook.is_prompt or Session.objects.filter(key=hook.key).exclude(title="").exists()


def judged(user_id: str) -> Answer:
    """What the limits of a user say to a prompt; nothing where they cannot be asked."""
    try:
        verdict = check_limits(user_id)
    except Exception:
        logger.exception("The limits of a user could not be checked; the prompt goes on")
        return Answer()
    if not verdict.allowed:
        return Answer(decision="block", reason=verdict.reason)
    return Answer(system_message=verdict.warning)


def blocked(hook: Hook, answer: Answer) -> list[SessionEvent]:
    """The line of the log that says why a prompt was not let through."""
    if not answer.decision:
        return []
    words = f"Prompt blocked: {answer.reason}"
    return [SessionNote(session_key=hook.key, at=hook.at, event="PromptBlocked", message=words)]


routes = [path("hooks/claude-code", ClaudeCodeApi.as_view(), name="claude-code-hook")]
