"""Titles, anchors and other short texts, taken from what an author wrote."""

from __future__ import annotations

import re
from itertools import pairwise

HEAD = 20_000  # characters in which a title is looked for
LONGEST = 200
MOST_ENTRIES = 100

# Signs that are not seen but change what is: controls, and those that turn the direction of text.
UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]")
MARKUP = re.compile(r"!?\[([^\[\]]*)\]\([^()\s]*\)|[`*]+")
ENTRY = re.compile(r"([^\s:#-][^:]{0,60}):(?:\s+(.*))?")
FENCES = ("```", "~~~")


def plain(text: str, most: int = LONGEST) -> str:
    """A text on one line, in which nothing is hidden: unseen signs show their number."""
    line = " ".join(text.split())
    short = line if len(line) <= most else f"{line[: most - 1]}…"
    return UNSEEN.sub(lambda sign: f"\\u{ord(sign[0]):04x}", short)


def slug(text: str) -> str:
    """The anchor of a heading, as elsewhere on the web: “What it is” is `what-it-is`."""
    return re.sub(r"[^\w\- ]", "", text.strip().lower()).replace(" ", "-")[:LONGEST]


def title(text: str) -> str:
    """What a Markdown text calls itself: in its front matter, or in its first heading."""
    lines = text[:HEAD].splitlines()
    if lines[:1] == ["---"] and "---" in lines[1:]:
        end = lines.index("---", 1)
        named = dict(entries("\n".join(lines[1:end]))).get("title", "")
        if named:
            return named
        lines = lines[end + 1 :]
    return plain(MARKUP.sub(r"\1", _first_heading(lines)))


def _first_heading(lines: list[str]) -> str:
    for line, below in pairwise([*lines, ""]):
        if line.startswith(FENCES):
            return ""
        if line.startswith("# "):
            return line[2:].strip().rstrip("#")
        if line.strip() and re.fullmatch("=+ *", below):
            return line
    return ""


def entries(front_matter: str) -> tuple[tuple[str, str], ...]:
    """The lines of front matter by their names; what is indented belongs to the name above."""
    found: list[tuple[str, list[str]]] = []
    for line in front_matter.splitlines():
        if named := ENTRY.fullmatch(line):
            found.append((named[1], [named[2] or ""]))
        elif found and line.strip() and not line.startswith("#"):
            found[-1][1].append(line.strip().removeprefix("- "))
    return tuple((plain(name), _value(lines)) for name, lines in found[:MOST_ENTRIES])


def _value(lines: list[str]) -> str:
    value = ", ".join(line for line in lines if line.strip())
    is_quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "\"'"
    return plain(value[1:-1] if is_quoted else value)
