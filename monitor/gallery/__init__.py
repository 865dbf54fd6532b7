"""The components of the pages beside each other, each in its states, with made-up contents."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from django.conf import settings
from django.template.loader import render_to_string
from django.templatetags.static import static
from django.utils.safestring import SafeString, mark_safe

from monitor.gallery import costs, details, errors, lists, reference, spend, tools, words

Given = dict[str, Any]
States = dict[str, Given]

SHELVES: dict[str, dict[str, States]] = {
    "Words and forms": words.STATES,
    "Tasks and sessions": lists.STATES,
    "Figures and costs": costs.STATES,
    "Details": details.STATES,
    "Spend": spend.STATES,
    "Tools": tools.STATES,
    "Errors": errors.STATES,
    "The reference of the API": reference.STATES,
}

# Components that are not shown by themselves, each with the reason.
LEFT_OUT = {
    "connection": "shown by script when the server is silent; it looks as the notice of an error",
    "detail_dialog": "lies over a page and is empty until a detail is put into it",
    "detail_sheets": "links sheets and draws nothing",
    "keys": "at the foot of every page; the key ? opens it",
    "nav": "in the header of every page",
    "nav_link": "in the header of every page",
    "sign": "in the header of every page",
    "theme": "in the header of every page",
    "user_menu": "in the header of every page",
}

# What some cannot be without: the list that a row belongs to, and the like.
AROUND = {
    "activity_list": '<div class="card work">{}</div>',
    "activity_row": '<div class="card work"><ul class="rows" role="list">{}</ul></div>',
    "detail_fact": '<dl class="facts">{}</dl>',
    "reference_field": "<table><tbody>{}</tbody></table>",
    "reference_table": "<h4>Body</h4>{}",
    "spend_chart": '<div class="card">{}</div>',
    "spend_projection": '<dl class="card spend-figures">{}</dl>',
    "spend_requests": '<dl class="card spend-figures">{}</dl>',
    "spend_savings": '<dl class="card spend-figures">{}</dl>',
    "spend_tokens": '<dl class="card spend-figures">{}</dl>',
    "stat": '<dl class="stats">{}</dl>',
    "timeline_call": '<ol class="calls card" role="list">{}</ol>',
    "timeline_choice": '<div class="choices">{}</div>',
    "timeline_summary": '<div class="call-what">{}</div>',
    "tools_empty": '<div class="card">{}</div>',
    "tools_errors": '<div class="card">{}</div>',
    "tools_failed_calls": '<div class="card">{}</div>',
    "tools_files": '<div class="card">{}</div>',
    "tools_head": '<table class="tools-table"><thead><tr>{}</tr></thead></table>',
    "tools_row": '<div class="scroll card"><table class="tools-table">{}</table></div>',
}

IDS = re.compile(r'\b(id|for|list|aria-labelledby|aria-describedby)="([^"]+)"')
FORMS = re.compile(r' (?:method="post"|action="[^"]*")')
HEADS = re.compile("<h[12]")
LABELS = re.compile(r'( aria-label="[^"]*)"')
PICTURES = re.compile(r' src="[^"]*"')


@dataclass(frozen=True)
class Piece:
    """A component in its states."""

    name: str
    states: States

    @property
    def template(self) -> str:
        return f"components/{self.name}.html"

    @cached_property
    def head(self) -> str:
        """What the component says of itself in the comment at its head."""
        text = Path(settings.BASE_DIR, "templates", self.template).read_text()
        return text.partition("{# ")[2].partition(" #}")[0]

    @property
    def contract(self) -> list[tuple[str, str]]:
        """The names it is given, with their meanings; none where it takes nothing."""
        parts = [part.partition(": ") for part in self.head.split("; ")]
        return [(name, meaning) for name, _, meaning in parts if name.isidentifier() and meaning]

    @property
    def shown(self) -> list[Example]:
        return [Example(self, n, *state) for n, state in enumerate(self.states.items())]


@dataclass(frozen=True)
class Example:
    """One state of a component; `given` is what it is drawn with."""

    piece: Piece
    number: int
    state: str
    given: Given

    @property
    def mark(self) -> str:
        """The id of its caption, and what stands before the ids within."""
        return f"{self.piece.name}-{self.number}"

    def html(self) -> SafeString:
        html = harmless(render_to_string(self.piece.template, {**self.given}), self.mark)
        return mark_safe(AROUND.get(self.piece.name, "{}").replace("{}", html))  # noqa: S308


@dataclass(frozen=True)
class Shelf:
    title: str
    pieces: list[Piece]


def shelves() -> list[Shelf]:
    return [
        Shelf(title, [Piece(name, states) for name, states in shown.items()])
        for title, shown in SHELVES.items()
    ]


def harmless(html: str, mark: str) -> str:
    """`html` with `mark` before its ids and in its labels, as other states have the same; with
    heads below that of the component, forms that lead nowhere, and a picture that exists."""

    def marked(found: re.Match[str]) -> str:
        ids = [f"{mark}-{word}" for word in found[2].split()]
        if found[1] == "aria-labelledby":
            ids.append(mark)
        return f'{found[1]}="{" ".join(ids)}"'

    html = PICTURES.sub(f' src="{static("favicon.svg")}"', html)
    html = HEADS.sub(r'\g<0> aria-level="4"', html)
    html = LABELS.sub(rf'\1, {mark}"', html)
    return FORMS.sub("", IDS.sub(marked, html))
