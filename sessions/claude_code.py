"""What the hooks of Claude Code tell, as events of sessions: pure, whatever their shape.

A field of another type than documented is taken as missing; an event of an unknown name is a
note. Hooks carry neither a time nor an id of their own: the time is that of arrival, and the same
body twice within a second is one event.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from typing import Any, Self

from sessions.events import MAX_MS, SessionEnded, SessionEvent, SessionNote, ToolEnded, ToolStarted
from sessions.models.activity import MAX_EVENT
from sessions.models.session import MAX_NAME
from sessions.models.tool_call import MAX_TOOL_NAME, MAX_TOOL_USE_ID
from tasks.identity import Invalid
from tasks.redaction import UNSTORABLE, clean

SOURCE = "claude-code"
PROMPT = "UserPromptSubmit"
TYPED = ("", "user", "sdk")  # sources of prompts that somebody wrote
DELEGATING = ("Agent", "Task")
AGENT_ID = re.compile(r"\w[\w.:@-]{0,63}", re.ASCII)
MAX_METADATA = 4_096  # bytes of JSON

# Of each event what its note says: words of ours, then the fields that follow them.
WORDS: Mapping[str, tuple[str, ...]] = {
    "SessionStart": ("Session started", "source"),
    "SessionEnd": ("Session ended", "reason"),
    "Setup": ("Setup", "trigger"),
    PROMPT: ("Prompt", "prompt"),
    "UserPromptExpansion": ("Command", "command_name", "command_args"),
    "Stop": ("Answered", "last_assistant_message"),
    "StopFailure": ("Stopped by an error", "error", "error_details"),
    "SubagentStart": ("Sub-agent started", "agent_type"),
    "SubagentStop": ("Sub-agent ended", "last_assistant_message"),
    "PreToolUse": ("Tool called", "tool_name"),
    "PostToolUse": ("Tool came back",),
    "PostToolUseFailure": ("Tool failed", "error"),
    "PostToolBatch": ("Tools came back",),
    "PermissionRequest": ("Permission asked", "tool_name"),
    "PermissionDenied": ("Permission denied", "tool_name", "reason"),
    "Notification": ("", "message"),
    "PreCompact": ("Compaction began", "trigger"),
    "PostCompact": ("Compaction ended", "trigger"),
    "TeammateIdle": ("Teammate idle", "teammate_name"),
    "TaskCreated": ("Task created", "task_subject"),
    "TaskCompleted": ("Task completed", "task_subject"),
    "Elicitation": ("Asked by a server", "mcp_server_name", "message"),
    "ElicitationResult": ("Answer to a server", "mcp_server_name", "action"),
    "ConfigChange": ("Settings changed", "source", "file_path"),
    "WorktreeCreate": ("Worktree made", "name"),
    "WorktreeRemove": ("Worktree removed", "worktree_path"),
    "InstructionsLoaded": ("Instructions read", "file_path"),
    "CwdChanged": ("Directory changed", "new_cwd"),
    "DirectoryAdded": ("Directory added", "directory"),
    "FileChanged": ("File changed", "file_path"),
    "MessageDisplay": ("Message shown",),
    "PreModelSwitch": ("Model about to change",),
    "PostModelSwitch": ("Model changed",),
}
# Not in the metadata of a note: what the session itself holds, and what was said and answered.
OWN = {"session_id", "hook_event_name", "cwd", "agent_id", "agent_type"}
ANSWERS = {"tool_response", "tool_calls", "delta", "compact_summary", "last_assistant_message"}
SAID = {"prompt", "message"}  # these the message of the note repeats


@dataclass(frozen=True, slots=True)
class Hook:
    """An object that a hook sent at `at` (aware); `event_id` tells it from others."""

    told: Mapping[str, Any]
    at: datetime
    event_id: str

    @classmethod
    def read(cls, told: Mapping[str, Any], body: bytes, at: datetime) -> Self:
        """The hook with that `body`. Raises Invalid unless it names a session and an event."""
        for name in ("session_id", "hook_event_name"):
            if not isinstance(told.get(name), str) or not told[name].strip():
                raise Invalid(name, "expected a text; Claude Code sends it with every event")
        if not told["session_id"].isprintable():
            raise Invalid("session_id", "holds a character that cannot be printed")
        second = f"{at:%Y-%m-%dT%H:%M:%S}".encode()
        return cls(told, at, blake2b(second + body, digest_size=16).hexdigest())

    def text(self, name: str, limit: int | None = None) -> str:
        """The beginning of a text; blank where the field holds none."""
        return _text(self.told.get(name), limit)

    @property
    def event(self) -> str:
        return self.text("hook_event_name", MAX_EVENT)

    @property
    def is_prompt(self) -> bool:
        return self.event == PROMPT

    @property
    def key(self) -> str:
        """The key of the session: a sub-agent has one of its own, below that of its parent."""
        return _subagent(self.told["session_id"], self.agent_id)

    @property
    def agent_id(self) -> str:
        return self.text("agent_id")

    def events(self, *, is_titled: bool = True, **facts: str) -> list[SessionEvent]:
        """What it tells, with more `facts` of the session, of which `is_titled` is one.

        A session without a title takes the first line of a prompt for one.
        """
        known = self._facts(is_titled=is_titled) | facts
        if call := self._call(known):
            return [call, *self._answered(facts)]
        return [*self._end(known), self._note(known)]

    def _facts(self, *, is_titled: bool) -> dict[str, Any]:
        is_start = self.event == "SessionStart"
        return {
            "session_key": self.key,
            "parent_key": self.told["session_id"] if self.agent_id else "",
            "at": self.at,
            "agent": self.text("agent_type", MAX_NAME),
            "model": self.text("model", MAX_NAME) if is_start else "",
            "workspace": self.text("cwd", 4_096),
            "title": self.text("session_title") or ("" if is_titled else self._first_line()),
            "source": SOURCE,
        }

    def _first_line(self) -> str:
        is_typed = self.is_prompt and self.text("source") in TYPED
        lines = self.text("prompt").strip().splitlines() if is_typed else []
        return lines[0] if lines else ""

    def _call(self, facts: Mapping[str, Any]) -> ToolStarted | None:
        """The start or end of a call; None for what is none, and for a start without an id.

        An end without an id is a call of its own: its start was but a note, so none counts twice.
        """
        id, name = self.text("tool_use_id"), self.text("tool_name", MAX_TOOL_NAME)
        id = id if len(id) <= MAX_TOOL_USE_ID else ""
        call = {"tool_name": name, "parameters": self._parameters(), **facts}
        if name and id and self.event == "PreToolUse":
            return ToolStarted(tool_use_id=id, **call)
        if name and self.event in ("PostToolUse", "PostToolUseFailure"):
            call |= {"tool_use_id": id or f"hook-{self.event_id}", "duration_ms": self._duration()}
            error = "" if self.event == "PostToolUse" else self._error()
            return ToolEnded(success=not error, error=error, **call)
        return None

    def _parameters(self) -> Mapping[str, Any] | None:
        told = self.told.get("tool_input")
        return told if told is None or isinstance(told, Mapping) else {"tool_input": told}

    def _duration(self) -> float | None:
        told = self.told.get("duration_ms")
        if not isinstance(told, int | float) or isinstance(told, bool):
            return None
        return float(told) if 0 <= told <= MAX_MS else None

    def _error(self) -> str:
        interrupted = self.told.get("is_interrupt") is True
        return self.text("error") or ("Interrupted" if interrupted else "Failed without a reason")

    def _answered(self, facts: Mapping[str, str]) -> list[SessionEvent]:
        """What the answer of the tool that starts a sub-agent tells of it: its task and model.

        Its usage is that of the last request alone, and is passed over.
        """
        answer, asked = self.told.get("tool_response"), self._parameters() or {}
        if self.text("tool_name") not in DELEGATING or not isinstance(answer, Mapping):
            return []
        if not AGENT_ID.fullmatch(agent_id := _text(answer.get("agentId"))):
            return []
        over = answer.get("status") == "completed"
        return [
            (SessionEnded if over else SessionEvent)(
                session_key=_subagent(self.told["session_id"], agent_id),
                parent_key=self.told["session_id"],
                at=self.at,
                agent=_text(asked.get("subagent_type"), MAX_NAME),
                model=_text(answer.get("resolvedModel"), MAX_NAME),
                title=_text(asked.get("description")),
                source=SOURCE,
                **facts,
            )
        ]

    def _end(self, facts: Mapping[str, Any]) -> list[SessionEvent]:
        if self.event == "SessionEnd" or (self.event == "SubagentStop" and self.agent_id):
            return [SessionEnded(reason=self.text("reason", MAX_NAME), **facts)]
        return []

    def _note(self, facts: Mapping[str, Any]) -> SessionNote:
        return SessionNote(
            event=self.event,
            message=self._message(),
            metadata=self._metadata(),
            event_id=self.event_id,
            **facts,
        )

    def _message(self) -> str:
        words, *fields = WORDS.get(self.event, (self.event, "message"))
        details = ", ".join(detail for name in fields if (detail := self.text(name).strip()))
        return ": ".join(part for part in (words, details) if part) or self.event

    def _metadata(self) -> dict[str, Any]:
        """The other fields, the smallest first, while there is room for them."""
        left = OWN | ANSWERS | {name for name in SAID if isinstance(self.told.get(name), str)}
        kept = clean({name: value for name, value in self.told.items() if name not in left})
        sizes = {name: len(json.dumps({name: value})) for name, value in kept.items()}
        room, small = MAX_METADATA, {}
        for name in sorted(kept, key=lambda name: sizes[name]):
            room -= sizes[name]
            if room >= 0:
                small[name] = kept[name]
        cut = len(kept) - len(small)
        return small | ({"[cut]": f"{cut} larger fields were not kept"} if cut else {})


def _text(value: Any, limit: int | None = None) -> str:
    return UNSTORABLE.sub("\ufffd", value)[:limit] if isinstance(value, str) else ""


def _subagent(session_id: str, agent_id: str) -> str:
    return f"{session_id}/{agent_id}" if agent_id else session_id
