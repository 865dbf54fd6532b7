from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sessions.summary import LONGEST, PHRASES, Summary, line, summary

NAMES = ["command", "file_path", "pattern", "path", "todos", "status", "subject", "query", "prompt"]
TODOS = [{"content": "a", "status": "completed"}, {"content": "b", "status": "pending"}, "odd"]
CASES: list[tuple[str, dict[str, Any], str]] = [
    ("Bash", {"command": "ls  -l\n&& pwd"}, "Ran ls -l && pwd"),
    ("Bash", {}, "Ran a command"),
    ("Read", {"file_path": "/a/b.py"}, "Read /a/b.py"),
    ("Write", {"file_path": "/a/b.py", "content": "x"}, "Wrote /a/b.py"),
    ("Edit", {"file_path": "/a/b.py"}, "Edited /a/b.py"),
    ("MultiEdit", {"file_path": 7}, "Edited a file"),
    ("NotebookEdit", {"notebook_path": "n.ipynb"}, "Edited n.ipynb"),
    ("Grep", {"pattern": "def x", "path": "src"}, 'Grepped "def x" in src'),
    ("Grep", {"pattern": "def x"}, 'Grepped "def x"'),
    ("Glob", {"pattern": "**/*.py"}, "Looked for files **/*.py"),
    ("Task", {"description": "Fix it", "subagent_type": "tester"}, "Delegated Fix it (tester)"),
    ("Agent", {"prompt": "Do this"}, "Delegated Do this"),
    ("Agent", {}, "Delegated a task"),
    ("TodoWrite", {"todos": TODOS}, "Updated the plan (1/2)"),
    ("TodoWrite", {"todos": "none"}, "Updated the plan"),
    ("TaskCreate", {"subject": "Read"}, "Added to the plan: Read"),
    ("TaskUpdate", {"taskId": "2", "status": "in_progress"}, "Updated the plan: 2 is in progress"),
    ("TaskUpdate", {}, "Updated the plan"),
    ("WebSearch", {"query": "django"}, "Searched the web for “django”"),
    ("WebSearch", {}, "Searched the web"),
    ("WebFetch", {"url": "https://example.org"}, "Fetched https://example.org"),
    ("Skill", {"skill": "pdf"}, "Used the skill pdf"),
    ("mcp__browser__take_screenshot", {}, "MCP: browser take_screenshot"),
    ("mcp__", {}, "MCP:"),
    ("Unheard of", {"command": "x"}, "Called Unheard of"),
]


class TestSummary:
    @pytest.mark.parametrize(("tool", "parameters", "words"), CASES)
    def test_each_tool_has_its_words(
        self, tool: str, parameters: dict[str, Any], words: str
    ) -> None:
        assert str(summary(tool, parameters)) == words

    def test_what_is_code_is_told_apart(self) -> None:
        assert summary("Grep", {"pattern": "x", "path": "y"}) == Summary("Grepped", '"x"', "in y")

    @settings(deadline=None)
    @given(
        st.sampled_from([*PHRASES, "mcp__a__b", "Other"]),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(),
            lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(NAMES), inner),
        ),
    )
    def test_any_parameters_give_one_short_line(self, tool: str, parameters: Any) -> None:
        text = str(summary(tool, parameters))
        assert text
        assert "\n" not in text
        assert len(text) <= 2 * LONGEST + 30


class TestLine:
    def test_a_long_text_is_cut(self) -> None:
        assert line("x" * 500) == "x" * (LONGEST - 1) + "…"

    def test_what_is_no_text_is_blank(self) -> None:
        assert line(["rm"]) == line(None) == ""
