"""A document as HTML that is safe to show. Nothing here asks the database or a file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import nh3
from django.utils.safestring import SafeString
from markdown_it.token import Token

from docsviewer.links import ANCHOR, Links, bare_links, is_outside
from docsviewer.markdown import MARKDOWN
from docsviewer.wording import entries, plain, slug

MOST_HEADINGS = 200
DEEPEST = 6

TAGS = """
a blockquote br code del div em h2 h3 h4 h5 h6 hr img input li ol p pre s section span strong sup
table tbody td th thead tr ul
"""
# The second lock: were anything else ever written by the first, it would be dropped here.
CLEANER = nh3.Cleaner(
    tags=set(TAGS.split()),
    attributes={
        "a": {"href", "title", "id", "class", "rel", "aria-label"},
        "img": {"src", "alt", "title", "loading"},
        "input": {"type", "checked", "disabled", "class", "aria-label"},
        "div": {"class", "role", "aria-label", "tabindex"},
        "pre": {"tabindex"},
        "li": {"id", "class"},
        "ol": {"start", "class"},
        **{name: {"id"} for name in ("h2", "h3", "h4", "h5", "h6")},
        **{name: {"class"} for name in ("p", "section", "span", "sup", "td", "th", "ul")},
    },
    url_schemes={"http", "https", "mailto"},
    link_rel=None,
)


@dataclass(frozen=True)
class Heading:
    level: int
    text: str
    anchor: str


@dataclass(frozen=True)
class Rendered:
    """`title` is the heading that the document begins with, which the HTML is then without; its
    place is known as `anchor`. `facts` are the lines of the front matter."""

    html: SafeString
    title: str = ""
    anchor: str = ""
    headings: tuple[Heading, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()

    @property
    def contents(self) -> tuple[Heading, ...]:
        return self.headings[:MOST_HEADINGS]

    @property
    def more_headings(self) -> int:
        return len(self.headings) - len(self.contents)


def render(text: str, links: Links) -> Rendered:
    env: dict[str, object] = {}
    tokens = MARKDOWN.parse(text, env)
    facts = entries(tokens.pop(0).content) if _begins(tokens, "front_matter") else ()
    headings = _headings(tokens)
    has_title = _begins(tokens, "heading_open") and tokens[0].tag == "h1"
    title = headings.pop(0) if has_title else Heading(1, "", "")
    tokens = tokens[3:] if has_title else tokens
    _lower(tokens, headings)
    for token in tokens:
        _finish(token, links)
    html = CLEANER.clean(MARKDOWN.renderer.render(tokens, MARKDOWN.options, env))
    return Rendered(SafeString(html), title.text, title.anchor, tuple(headings), facts)


def _begins(tokens: list[Token], kind: str) -> bool:
    return bool(tokens) and tokens[0].type == kind


def _headings(tokens: list[Token]) -> list[Heading]:
    """The headings, each given an id of its own."""
    found: list[Heading] = []
    used: dict[str, int] = {}
    for token, inline in pairwise(tokens):
        if token.type == "heading_open":
            text = _text(inline)
            name, count = slug(text), 0
            while (anchor := f"{name}-{count}" if count else name) in used:
                count = used[name] = used.get(name, 0) + 1
            used[anchor] = 0
            token.attrSet("id", ANCHOR + anchor)
            found.append(Heading(int(token.tag[1]), plain(text), ANCHOR + anchor))
    return found


def _text(inline: Token) -> str:
    return MARKDOWN.renderer.renderInlineAsText(inline.children, MARKDOWN.options, {})


def _lower(tokens: list[Token], headings: list[Heading]) -> None:
    """Put the headings below that of the page, each at most one level below the one before."""
    by = 1 if any(heading.level == 1 for heading in headings) else 0
    above, levels = 1, iter(range(len(headings)))
    for token in tokens:
        if token.type == "heading_open":
            above = max(2, min(int(token.tag[1]) + by, above + 1, DEEPEST))
            place = next(levels)
            headings[place] = Heading(above, headings[place].text, headings[place].anchor)
            token.tag = f"h{above}"
        elif token.type == "heading_close":
            token.tag = f"h{above}"


def _finish(token: Token, links: Links) -> None:
    """Say by class what the parser says by style, and let links lead where they can be followed."""
    if style := token.attrs.pop("style", ""):
        token.attrs["class"] = str(style).removeprefix("text-align:")
    if token.children:
        token.children = list(_linked(token.children, links))


def _linked(tokens: Iterable[Token], links: Links) -> Iterator[Token]:
    is_link = False
    for token in tokens:
        if token.type == "link_open":
            target = links.target(str(token.attrs.get("href", "")))
            is_link = bool(target)
            if target:
                yield _link(target, token.attrs.get("title"))
        elif token.type == "link_close":
            if is_link:
                yield token
            is_link = False
        elif token.type == "image":
            yield from _picture(token, links, is_link)
        elif token.type == "text" and not is_link:
            for label, address in bare_links(token.content):
                yield from _anchor(label, address) if address else [_words(label)]
        else:
            yield token


def _picture(token: Token, links: Links, is_link: bool) -> Iterator[Token]:
    """A picture of ours; of another site, and where it is none, its words: as a link or alone."""
    source = str(token.attrs.get("src", ""))
    if address := links.picture(source):
        token.attrs |= {"src": address, "loading": "lazy"}
        yield token
        return
    words = _text(token) or "picture"
    target = links.target(source) or ""
    yield from _anchor(words, target) if is_outside(target) and not is_link else [_words(words)]


def _anchor(label: str, address: str) -> list[Token]:
    return [_link(address, ""), _words(label), Token("link_close", "a", -1)]


def _link(target: str, title: object) -> Token:
    token = Token("link_open", "a", 1)
    rel = "noopener noreferrer" if is_outside(target) else ""
    known = {"href": target, "title": title, "rel": rel}
    token.attrs = {name: str(value) for name, value in known.items() if value}
    return token


def _words(text: str) -> Token:
    return Token("text", "", 0, content=text)
