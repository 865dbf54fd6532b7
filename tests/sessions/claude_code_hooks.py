"""One body of each documented hook event, and the sentence that it leaves in a session's log."""

from __future__ import annotations

from typing import Any

SESSION = "5d1c0f3e-7a52-4f0e-9c51-2f4f6d0c8b11"
BASE = {
    "session_id": SESSION,
    "transcript_path": "/home/ada/.claude/projects/-srv-shop/5d1c0f3e.jsonl",
    "cwd": "/srv/shop",
    "prompt_id": "prompt-7",
    "permission_mode": "acceptEdits",
    "effort": {"level": "high"},
}
BASH = {"tool_name": "Bash", "tool_input": {"command": "make test"}, "tool_use_id": "toolu_1"}
SUBAGENT = {"agent_id": "a1b2c3", "agent_type": "reviewer"}
TEAM = {"teammate_name": "tester", "team_name": "shop"}
PLANNED = {"task_id": "3", "task_subject": "Mend the basket", "task_description": "It leaks"}

EVENTS: dict[str, dict[str, Any]] = {
    "PreToolUse": BASH,
    "PostToolUse": BASH | {"tool_response": {"stdout": "a secret answer"}, "duration_ms": 812},
    "PostToolUseFailure": BASH
    | {"error": "Exit code 2\nno rule", "is_interrupt": False, "duration_ms": 9},
    "PostToolBatch": {"tool_calls": [BASH | {"tool_response": "a secret answer"}]},
    "PermissionRequest": {"tool_name": "Bash", "tool_input": {"command": "rm -r build"}},
    "PermissionDenied": BASH | {"reason": "leaves the workspace"},
    "UserPromptSubmit": {"prompt": "Mend the basket\nand test it", "source": "user"},
    "UserPromptExpansion": {
        "expansion_type": "slash_command",
        "command_name": "review",
        "command_args": "42",
        "command_source": "project",
        "prompt": "/review 42",
    },
    "SessionStart": {"source": "startup", "model": "claude-opus-4-6", "session_title": "Basket"},
    "SessionEnd": {"reason": "logout"},
    "Stop": {
        "stop_hook_active": False,
        "last_assistant_message": "It is mended.",
        "background_tasks": [{"id": "b1", "type": "shell", "status": "running"}],
        "session_crons": [],
    },
    "StopFailure": {"error": "rate_limit", "error_details": "429", "last_assistant_message": "…"},
    "SubagentStart": SUBAGENT,
    "SubagentStop": SUBAGENT
    | {"agent_transcript_path": "/a.jsonl", "last_assistant_message": "Looks well."},
    "Notification": {"message": "Waits for you", "notification_type": "idle_prompt"},
    "TaskCreated": PLANNED,
    "TaskCompleted": PLANNED,
    "TeammateIdle": TEAM,
    "PreCompact": {"trigger": "auto", "custom_instructions": ""},
    "PostCompact": {"trigger": "manual", "compact_summary": "a secret answer"},
    "Setup": {"trigger": "init"},
    "InstructionsLoaded": {"file_path": "/srv/shop/CLAUDE.md", "memory_type": "Project"},
    "ConfigChange": {"source": "user_settings", "file_path": "/home/ada/.claude/settings.json"},
    "CwdChanged": {"old_cwd": "/srv", "new_cwd": "/srv/shop"},
    "DirectoryAdded": {"directory": "/srv/lib", "source": "command"},
    "FileChanged": {"file_path": "/srv/shop/.env", "event": "change"},
    "WorktreeCreate": {"name": "basket"},
    "WorktreeRemove": {"worktree_path": "/srv/shop/.worktrees/basket"},
    "Elicitation": {"mcp_server_name": "tickets", "message": "Which one?", "mode": "form"},
    "ElicitationResult": {"mcp_server_name": "tickets", "action": "accept"},
    "MessageDisplay": {"turn_id": "t", "message_id": "m", "index": 0, "delta": "a secret answer"},
    "PreModelSwitch": {},
    "PostModelSwitch": {},
}
MESSAGES = {
    "PostToolBatch": "Tools came back",
    "PermissionRequest": "Permission asked: Bash",
    "PermissionDenied": "Permission denied: Bash, leaves the workspace",
    "UserPromptSubmit": "Prompt: Mend the basket\nand test it",
    "UserPromptExpansion": "Command: review, 42",
    "SessionStart": "Session started: startup",
    "SessionEnd": "Session ended: logout",
    "Stop": "Answered: It is mended.",
    "StopFailure": "Stopped by an error: rate_limit, 429",
    "SubagentStart": "Sub-agent started: reviewer",
    "SubagentStop": "Sub-agent ended: Looks well.",
    "Notification": "Waits for you",
    "TaskCreated": "Task created: Mend the basket",
    "TaskCompleted": "Task completed: Mend the basket",
    "TeammateIdle": "Teammate idle: tester",
    "PreCompact": "Compaction began: auto",
    "PostCompact": "Compaction ended: manual",
    "Setup": "Setup: init",
    "InstructionsLoaded": "Instructions read: /srv/shop/CLAUDE.md",
    "ConfigChange": "Settings changed: user_settings, /home/ada/.claude/settings.json",
    "CwdChanged": "Directory changed: /srv/shop",
    "DirectoryAdded": "Directory added: /srv/lib",
    "FileChanged": "File changed: /srv/shop/.env",
    "WorktreeCreate": "Worktree made: basket",
    "WorktreeRemove": "Worktree removed: /srv/shop/.worktrees/basket",
    "Elicitation": "Asked by a server: tickets, Which one?",
    "ElicitationResult": "Answer to a server: tickets, accept",
    "MessageDisplay": "Message shown",
    "PreModelSwitch": "Model about to change",
    "PostModelSwitch": "Model changed",
}


def body(event: str, **fields: Any) -> dict[str, Any]:
    """What Claude Code sends of `event`, with `fields` instead of or beside its own."""
    return BASE | EVENTS.get(event, {}) | {"hook_event_name": event} | fields
