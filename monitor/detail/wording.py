from __future__ import annotations

LONGEST = 160


def headline(text: str) -> str:
    """The first line of `text` that says something, cut at a word."""
    line = next((" ".join(line.split()) for line in text.splitlines() if line.strip()), "")
    return shortened(line)


def shortened(line: str) -> str:
    """At most LONGEST characters of `line`, cut at a word where there is one."""
    if len(line) <= LONGEST:
        return line
    return f"{line[:LONGEST].rpartition(' ')[0] or line[:LONGEST]}…"


def category_words(category: str) -> str:
    """The category of an error as people say it; blank where it tells nothing."""
    return "" if category == "unknown_error" else category.removesuffix("_error").replace("_", " ")
