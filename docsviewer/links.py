"""Where the links and pictures of a document lead, and where in a text there is one."""

from __future__ import annotations

import re
from dataclasses import dataclass
from posixpath import dirname, join, normpath
from urllib.parse import quote, unquote, urlsplit

from docsviewer.library import DOCUMENTS, PICTURES

ANCHOR = "doc-"
"""Begins the id of each heading, so that none is taken for a part of the page around it."""

OUTSIDE = ("http", "https", "mailto")
BARE = re.compile(r"(?<![\w/@.])(?:https?://|www\.)[\w-]+(?:\.[\w-]+)*[^\s<>\"]{0,2000}", re.ASCII)
TRAILING = "?!.,:;*_~'\""


@dataclass(frozen=True)
class Links:
    """The links of the document at `path` below `root`, as URLs of the room at `url`."""

    path: str
    root: str
    url: str

    def target(self, href: str) -> str | None:
        """Where a link leads: out, to a place in this document, or to another file of the root."""
        try:
            scheme, host, path, _, fragment = urlsplit(href)
        except ValueError:
            return None
        if scheme or host:
            return href if scheme in OUTSIDE else None
        place = f"#{ANCHOR}{quote(unquote(fragment))}" if fragment else ""
        if not path:
            return place or None
        found = self._file(path)
        if found.lower().endswith(PICTURES):
            return self.picture(href)
        return f"{self.url}{quote(found)}{place}" if found.lower().endswith(DOCUMENTS) else None

    def picture(self, src: str) -> str | None:
        """The address of a picture below the root; None for any other."""
        try:
            scheme, host, path, _, _ = urlsplit(src)
        except ValueError:
            return None
        found = "" if scheme or host else self._file(path)
        return f"{self.url}{quote(found)}/image" if found.lower().endswith(PICTURES) else None

    def _file(self, path: str) -> str:
        """The path of a file from the path of a link to it; blank where that leads out."""
        start = "" if path.startswith("/") else dirname(self.path.removeprefix(self.root))
        found = normpath(join(start, unquote(path).lstrip("/")))
        return "" if found.split("/")[0] in (".", "..") else self.root + found


def is_outside(target: str) -> bool:
    return target.startswith(("http:", "https:"))


def bare_links(text: str) -> list[tuple[str, str]]:
    """The text in pieces, each with the address that it is; blank for what is no address."""
    pieces, end = [], 0
    for found in BARE.finditer(text):
        label = trimmed(found[0])
        pieces.append((text[end : found.start()], ""))
        pieces.append((label, label if label.startswith("http") else f"http://{label}"))
        end = found.start() + len(label)
    return [*pieces, (text[end:], "")]


def trimmed(address: str) -> str:
    """Without the signs at its end that belong to the sentence around it."""
    while True:
        shorter = address.rstrip(TRAILING)
        if shorter.endswith(")") and shorter.count(")") > shorter.count("("):
            shorter = shorter[:-1]
        if shorter == address:
            return address
        address = shorter
