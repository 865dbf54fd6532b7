"""What the files hold: their text for a reader, and what a search looks through."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from docsviewer.cache import Cache
from docsviewer.library import File
from docsviewer.wording import plain, title

MAX_SIZE = 4 * 2**20  # bytes
BEFORE, AFTER = 60, 160  # characters shown on both sides of a hit


class Unreadable(ValueError):
    """Why the text of a file cannot be given, in a sentence for the reader."""


@dataclass(frozen=True, slots=True)
class Text:
    """What is kept of a file: its title, blank where it has none, and its text in small letters."""

    title: str
    lowered: str


@dataclass(frozen=True, slots=True)
class Part:
    text: str
    is_hit: bool = False


TEXTS: Cache[Text] = Cache(64 * 2**20, lambda text: len(text.lowered))


def read(file: File) -> tuple[str, bool]:
    """The text, and whether all of it is UTF-8; what is not is replaced by signs that say so.

    Raises Unreadable for a file of more than MAX_SIZE, OSError for one that is gone.
    """
    content = file.read(MAX_SIZE + 1)
    if len(content) > MAX_SIZE:
        raise Unreadable(f"{file.name} is too long: at most {MAX_SIZE // 2**20} MiB are shown.")
    text = content.decode("utf-8-sig", errors="replace").replace("\0", "\ufffd")
    try:
        content.decode()
    except UnicodeDecodeError:
        return text, False
    return text, True


def strictly(file: File) -> str:
    """The text of a file in UTF-8. Raises Unreadable for any other, OSError for one that is gone.

    For programs, which would not notice that signs were replaced.
    """
    text, is_whole = read(file)
    if not is_whole:
        raise Unreadable(f"{file.name} is no text in UTF-8.")
    return text


def text_of(file: File) -> Text:
    """What is kept of a file; blank for one that cannot be read."""
    return TEXTS.get(file.version, lambda: _kept(file))


def _kept(file: File) -> Text:
    try:
        text, _ = read(file)
    except (OSError, Unreadable):
        return Text("", "")
    return Text("" if file.path.lower().endswith(".txt") else title(text), text.lower())


def title_of(file: File) -> str:
    return text_of(file).title or plain(file.name)


def words_of(query: str) -> list[str]:
    """What is searched for: each word, in small letters."""
    return query.lower().split()


def names(file: File, words: Sequence[str]) -> bool:
    """Whether the title and the path hold all the words."""
    text = f"{title_of(file)}\n{file.path}".lower()
    return all(word in text for word in words)


def holds(file: File, words: Sequence[str]) -> bool:
    """Whether each of the words is in the text, the title or the path."""
    kept, path = text_of(file), file.path.lower()
    return all(word in kept.lowered or word in path for word in words)


def marked(text: str, words: Sequence[str]) -> list[Part]:
    """The text in pieces: those that are one of the words, in letters of any size, are hits."""
    if not words:
        return [Part(text)]
    pieces = re.split(f"({_any(words)})", text, flags=re.IGNORECASE)
    return [Part(piece, place % 2 == 1) for place, piece in enumerate(pieces) if piece]


def excerpt(file: File, words: Sequence[str]) -> list[Part]:
    """The text around its first hit; nothing where it has none."""
    try:
        text, _ = read(file)
    except (OSError, Unreadable):
        return []
    found = re.search(_any(words), text, flags=re.IGNORECASE) if words else None
    if not found:
        return []
    start, end = max(0, found.start() - BEFORE), found.end() + AFTER
    line = plain(text[start:end], most=end - start)
    return marked(f"{'…' if start else ''}{line}{'…' if end < len(text) else ''}", words)


def _any(words: Sequence[str]) -> str:
    return "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))
