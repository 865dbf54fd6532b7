"""One line that says what a tool call did, from its name and its parameters alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

LONGEST = 200
Parameters = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Summary:
    """A sentence in three parts; the middle one is code: a command, a path, a pattern."""

    words: str
    code: str = ""
    tail: str = ""

    def __str__(self) -> str:
        return " ".join(part for part in (self.words, self.code, self.tail) if part)


def summary(tool_name: str, parameters: object) -> Summary:
    """What a call did. Any parameters will do: those that make no sense are left out."""
    given = parameters if isinstance(parameters, Mapping) else {}
    if tool_name in PHRASES:
        return PHRASES[tool_name](given)
    if tool_name.startswith("mcp__"):
        server, _, tool = tool_name.removeprefix("mcp__").partition("__")
        return Summary(f"MCP: {server} {tool}".strip())
    return Summary(f"Called {line(tool_name)}")


def line(value: object) -> str:
    """The text of `value` on one line, cut to LONGEST characters; blank for what is no text."""
    if not isinstance(value, str):
        return ""
    text = " ".join(value[: LONGEST * 8].split())
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def said(parameters: Parameters, *names: str) -> str:
    """The first of the named parameters that holds a text."""
    return next((text for name in names if (text := line(parameters.get(name)))), "")


def on_path(verb: str) -> Callable[[Parameters], Summary]:
    return lambda given: Summary(
        verb, said(given, "file_path", "notebook_path", "path") or "a file"
    )


def command(given: Parameters) -> Summary:
    return Summary("Ran", said(given, "command") or "a command")


def grep(given: Parameters) -> Summary:
    pattern, place = said(given, "pattern"), said(given, "path", "glob")
    return Summary("Grepped", f'"{pattern}"', f"in {place}" if place else "")


def glob(given: Parameters) -> Summary:
    pattern, place = said(given, "pattern"), said(given, "path")
    return Summary("Looked for files", pattern, f"in {place}" if place else "")


def delegation(given: Parameters) -> Summary:
    agent = said(given, "subagent_type")
    task = said(given, "description", "prompt") or "a task"
    return Summary(f"Delegated {task}", tail=f"({agent})" if agent else "")


def todos(given: Parameters) -> Summary:
    items = given.get("todos")
    items = [item for item in items if isinstance(item, Mapping)] if isinstance(items, list) else []
    done = sum(item.get("status") == "completed" for item in items)
    return Summary(f"Updated the plan ({done}/{len(items)})" if items else "Updated the plan")


def plan_item(given: Parameters) -> Summary:
    subject = said(given, "subject")
    return Summary(f"Added to the plan: {subject}" if subject else "Added to the plan")


def plan_step(given: Parameters) -> Summary:
    what = said(given, "status", "subject").replace("_", " ")
    item = said(given, "taskId")
    return Summary(f"Updated the plan{f': {item}' if item else ''}{f' is {what}' if what else ''}")


def web_search(given: Parameters) -> Summary:
    query = said(given, "query")
    return Summary(f"Searched the web for “{query}”" if query else "Searched the web")


def web_fetch(given: Parameters) -> Summary:
    return Summary("Fetched", said(given, "url") or "a page")


def skill(given: Parameters) -> Summary:
    return Summary("Used the skill", said(given, "skill", "command", "name"))


PHRASES: dict[str, Callable[[Parameters], Summary]] = {
    "Bash": command,
    "Read": on_path("Read"),
    "Write": on_path("Wrote"),
    "Edit": on_path("Edited"),
    "MultiEdit": on_path("Edited"),
    "NotebookRead": on_path("Read"),
    "NotebookEdit": on_path("Edited"),
    "LS": on_path("Listed"),
    "Grep": grep,
    "Glob": glob,
    "Task": delegation,
    "Agent": delegation,
    "TodoWrite": todos,
    "TaskCreate": plan_item,
    "TaskUpdate": plan_step,
    "WebSearch": web_search,
    "WebFetch": web_fetch,
    "Skill": skill,
}
