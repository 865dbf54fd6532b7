"""What a list without rows says instead, and where there may be some."""

from __future__ import annotations

from dataclasses import dataclass

from monitor.selection import Selection

NOTHING = {
    "active": "Nothing is running now",
    "completed": "Nothing was completed",
    "failed": "Nothing failed",
    "all": "No task or session",
}


@dataclass(frozen=True)
class Hint:
    """A sentence, and a link to the next step: its query string and its words, or blanks."""

    text: str
    query: str = ""
    words: str = ""


def hint(selection: Selection, total: int) -> Hint:
    """Why the list that was asked for is empty; `total` is how many rows the list of all has."""
    query, period, show = selection.query, selection.period, selection.show
    last = "" if period.label == "all" else f" in the last {period.words}"
    if selection.text and total:
        return Hint("No match in this list.", query(show="all"), f"Show all matches ({total:,})")
    if selection.text:
        text = f"Nothing{last} matches “{selection.text}”."
        if last:
            return Hint(text, query(show="all", range="all"), "Search further back")
        return Hint(text, query(q=""), "Clear the search")
    if show == "active":
        link = (query(show="all"), f"Show all{last}") if total else ()
        return Hint(f"{NOTHING[show]}.", *link)
    if last:
        return Hint(f"{NOTHING[show]}{last}.", query(range="all"), "Look further back")
    return Hint(f"{NOTHING[show]} so far.")
